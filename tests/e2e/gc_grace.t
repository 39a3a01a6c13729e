#!/bin/bash
# What is young stays, and all that it reaches: the grace period.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

test_case 'what is younger than a day stays unless told otherwise' '
	make_volume vol && fresh=$(put_layer vol app "fresh") &&
	old=$(put_layer vol app "old") &&
	age vol "$old" 25h && age vol "$fresh" 23h &&
	run 0 drydock gc --root vol --json >plan && valid gc plan && goes plan blob - "$old" &&
	goes plan layer-link app "$old" && stays plan "$fresh" &&
	run 0 drydock gc --root vol --json --grace 22h >plan && goes plan blob - "$fresh"
'

test_case 'what is young is listed, with the time when it could go' '
	make_volume vol && fresh=$(put_layer vol app "fresh") && age vol "$fresh" 1h &&
	run 0 drydock gc --root vol --json >plan && list_says young plan "$fresh" &&
	run 0 drydock gc --root vol >text && says "young" text && says "$fresh" text
'

test_case 'what is young is listed by repository and digest, whatever order it was found in' '
	make_volume vol && for layer in 1 2 3 4 5 6 7 8 9 10 11 12; do
		put_blob vol "blob $layer" >/dev/null && put_layer vol b "b $layer" >/dev/null &&
		put_layer vol a "a $layer" >/dev/null || return
	done && age vol everything 1h && run 0 drydock gc --root vol --json -j 8 >plan &&
	for kind in layer-link blob; do
		jq -r ".young[] | select(.kind == \"$kind\") | .path" plan >listed && sort listed >sorted &&
		[ "$(wc -l <listed)" -ge 24 ] && cmp listed sorted || return
	done
'

test_case 'old bytes with a young link are young' '
	make_volume vol && layer=$(put_layer vol app "layer") && age vol "$layer" 9d &&
	touch "$(layer_link vol app "$layer")" &&
	run 0 drydock gc --root vol --json >plan && stays plan "$layer"
'

test_case 'young bytes with an old link are young' '
	make_volume vol && layer=$(put_layer vol app "layer") && age vol "$layer" 9d &&
	touch "$(blob_data vol "$layer")" &&
	run 0 drydock gc --root vol --json >plan && stays plan "$layer"
'

test_case 'a young link in one repository spares the bytes, not the old link elsewhere' '
	make_volume vol && layer=$(put_layer vol old "layer") && age vol "$layer" 9d &&
	link_layer vol new "$layer" &&
	run 0 drydock gc --root vol --json >plan && ! goes plan blob - "$layer" &&
	! goes plan layer-link new "$layer"
'

test_case 'bytes that no link names are young by their ctime, which a commit sets' '
	make_volume vol && put_image vol app:v1 "kept" && orphan=$(put_blob vol "orphan") &&
	age vol "$orphan" 9d && run 0 drydock gc --root vol --json >plan && stays plan "$orphan" &&
	sleep 1.2 &&
	run 0 drydock gc --root vol --json --grace 1s >plan && goes plan blob - "$orphan"
'

test_case 'a young manifest is one before any link names it, with white space in front too' '
	for space in "" " " "$(printf "\\r\\n\\t.")"; do
		rm -rf vol && make_volume vol && layer=$(put_layer vol app "old layer") &&
		age vol everything 9d &&
		put_blob vol "${space%.}$(manifest_json "$type_image" \
			"\"layers\":[$(content_descriptor "$type_layer" "old layer")]")" &&
		run 0 drydock gc --root vol --json >plan && stays plan "$layer" || return
	done
'

test_case 'what a young revision reaches stays with -m, however old it is' '
	make_volume vol && image=$(put_image vol app "old layer") &&
	put_image vol app:v1 "tagged" &&
	age vol everything 9d && run 0 drydock gc --root vol -m --json >plan &&
	goes plan blob - "$image" &&
	touch "$(revision_link vol app "$image")" &&
	run 0 drydock gc --root vol -m --json >plan && nothing_goes plan
'

test_case 'a young referrer of what is dead stays, with all that it names' '
	make_volume vol && put_image vol app:v1 "tagged" &&
	dead=$(put_image vol app "dead layer") &&
	referrer=$(put_referrer vol app "$dead" "signature") && age vol everything 9d &&
	touch "$(revision_link vol app "$referrer")" &&
	run 0 drydock gc --root vol -m --json >plan && stays plan "$referrer" &&
	stays plan "$(digest_of signature)"
'

test_case 'a moved tag makes the revision that it left young' '
	make_volume vol && first=$(put_image vol app:v1 "one") &&
	second=$(put_image vol app:v1 "two") &&
	age vol everything 9d && touch "$(current_link vol app:v1)" &&
	run 0 drydock gc --root vol -m --json >plan && stays plan "$first" &&
	age vol everything 9d && run 0 drydock gc --root vol -m --json >plan &&
	goes plan revision app "$first"
'

test_case 'a time in the future is young' '
	make_volume vol && layer=$(put_layer vol app "layer") &&
	touch -d "2 days" "$(blob_data vol "$layer")" "$(layer_link vol app "$layer")" &&
	run 0 drydock gc --root vol --grace 1s --json >plan && stays plan "$layer" &&
	run 0 drydock gc --root vol --grace 0 --json >plan && stays plan "$layer"
'

# A year that nanoseconds in 64 bits do not reach, where the file system has it.
test_case 'a time in the far future is young, and one in the far past is not' '
	make_volume vol && layer=$(put_layer vol app "layer") && old=$(put_layer vol app "old") &&
	for when in 15000000000:"$layer" -2147483648:"$old"; do
		touch -d "@${when%%:*}" "$(blob_data vol "${when#*:}")" \
			"$(layer_link vol app "${when#*:}")" || return
	done &&
	case $(stat -c %Y "$(blob_data vol "$layer")") in
	15000000000) ;;
	*) skip "needs a file system with times after 2262" ;;
	esac &&
	run 0 drydock gc --root vol --json >plan && stays plan "$layer" &&
	goes plan blob - "$old" && valid gc plan &&
	run 0 drydock gc --root vol --grace 290y --json >plan && stays plan "$layer" &&
	stays plan "$old" && valid gc plan && run 0 drydock gc --root vol >text &&
	says "could go in [0-9]+ years" text && run 0 drydock gc --root vol --grace 0 --apply &&
	blobs_exist vol "$layer" && blobs_gone vol "$old"
'

test_case 'a young index without a link keeps what its children name, linked or not' '
	make_volume vol && put_image vol app:v1 "other" && child=$(put_image vol app "layer") &&
	index=$(put_blob vol "$(index_json vol "$type_index" "$type_image" "$child")") &&
	rm -r "$(dirname "$(revision_link vol app "$child")")" && link_layer vol app "$child" &&
	age vol everything 9d &&
	run 0 drydock gc --root vol --json >plan && stays plan "$index" && stays plan "$child" &&
	stays plan "$(digest_of layer)" && stays plan "$(digest_of "$(config_of layer)")"
'

test_case 'a grace of nothing judges what was written a moment ago' '
	make_volume vol && layer=$(put_layer vol app "layer") &&
	run 0 drydock gc --root vol --grace 0 --json >plan && goes plan blob - "$layer" &&
	run 0 drydock gc --root vol --grace 0s --json >plan && goes plan blob - "$layer"
'

test_case 'durations have the units of systemd' '
	make_volume vol && layer=$(put_layer vol app "layer") && age vol "$layer" 40d &&
	for grace in 90s 15m 24h 7d 4w 1M "1w 2d" 1h30m; do
		run 0 drydock gc --root vol --grace "$grace" --json >plan &&
		goes plan blob - "$layer" || return
	done &&
	for grace in 6M 1y 60d 960h1m; do
		run 0 drydock gc --root vol --grace "$grace" --json >plan &&
		stays plan "$layer" || return
	done
'

test_case 'what is no duration is refused by the name of its option' '
	make_volume vol &&
	for option in --grace --uploads-older-than --trash-keep --lock-wait; do
		for value in soon -1d "" 5x 7 99999999999999999999d 1..5h; do
			run 2 drydock gc --root vol "$option" "$value" 2>err &&
			says "$option" err || return
		done
	done
'

done_testing
