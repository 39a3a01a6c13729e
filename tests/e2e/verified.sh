# shellcheck shell=bash
# What is verified. A test file of verify sources this after lib.sh.

# "app:v1" and "app:v2" share "base"; "far:v1" is another repository's.
make_frame() {
	make_volume vol && image=$(put_image vol app:v1 base "layer one") &&
		beside=$(put_image vol app:v2 base "layer two") &&
		far=$(put_image vol far:v1 "far layer") && age vol everything 9d &&
		base=$(digest_of base) && one=$(digest_of "layer one") &&
		config=$(digest_of "$(config_of base "layer one")")
}
template make_frame
