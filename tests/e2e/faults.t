#!/bin/bash
# What can go wrong around a volume: rights, disks, signals, and a second run.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

gc_vol="gc --root vol --grace 0 --apply"

make_garbage() {
	make_volume vol && image=$(put_image vol app:v1 "layer") &&
	untagged=$(put_image vol app "old layer") &&
		dead=$(put_layer vol app "dead") && orphan=$(put_blob vol "orphan")
}
template make_garbage

image_whole() {
	blobs_exist vol "$image" "$(digest_of layer)" "$(digest_of "$(config_of layer)")" &&
	tagged vol app:v1 "$image" &&
		revision_linked vol app "$image" && layer_linked vol app "$(digest_of layer)"
}

# A file system of its own on "disk", of so many MiB.
make_disk() {
	need_root && need_command mkfs.ext4 losetup && truncate -s "$1M" image.ext4 &&
	mkfs.ext4 -q -m 0 image.ext4 && mkdir -p disk &&
		{ mount -o loop image.ext4 disk || skip "cannot mount a loop device here"; } &&
		on_exit "umount -l $PWD/disk" && rmdir disk/lost+found
}

fill_disk() {
	dd if=/dev/zero of=disk/filler bs=64k status=none 2>full || true
	while dd if=/dev/zero of="disk/filler.$RANDOM$RANDOM" bs=1k count=4 status=none 2>full; do
		:
	done
	says "no space left" full
}

test_case 'somebody else'"'"'s volume is planned, not changed' '
	need_root && from_template && chmod 755 . && run 0 plan vol --json >whole &&
	volume_digest vol >before &&
	run 0 as_nobody plan vol --json >plan && items plan >a && items whole >b && same a b &&
	run 3 as_nobody collect vol 2>err && says "permission" err && says "vol" err &&
	volume_digest vol >after && same before after
'

test_case 'a read-only file system is planned, not changed' '
	need_root && from_template && mkdir mnt && mount --bind vol mnt &&
	on_exit "umount -l $PWD/mnt" && mount -o remount,ro,bind mnt &&
	run 0 plan mnt >plan && says "$orphan" plan && run 0 drydock ls --root mnt &&
	run 3 collect mnt 2>err &&
	says "read-only" err && image_whole && blobs_exist vol "$orphan"
'

# A repository "lone" with an image that only its tag names, one that only its
# revision names, and one as usual; all of it the property of nobody. What must
# stay is in "tagged", what may go with -m in "untagged".
make_lone() {
	local by_tag by_revision usual
	from_template && by_tag=$(put_image vol lone:tag "tag layer") &&
		by_revision=$(put_image vol lone "revision layer") &&
		usual=$(put_image vol lone:usual "usual layer") &&
		rm -r "$(dirname "$(revision_link vol lone "$by_tag")")" &&
		printf "%s\n" "$by_tag" "$usual" "$image" "$(digest_of layer)" \
			"$(digest_of "tag layer")" "$(digest_of "$(config_of "tag layer")")" \
			"$(digest_of "usual layer")" \
				"$(digest_of "$(config_of "usual layer")")" >tagged &&
		printf "%s\n" "$by_revision" "$(digest_of "revision layer")" \
			"$(digest_of "$(config_of "revision layer")")" >untagged &&
		put_layer vol lone "dead in lone" && age vol everything 9d &&
		chown -R 65534:65534 vol && chmod 755 .
}

# may_not_go KEPT-FILE [OPTION]: nothing that is listed there is in the plan.
may_not_go() {
	run 0,1 as_nobody plan vol --json "${@:2}" >plan 2>err && items plan >going || return
	! grep -Ff "$1" going >&7
}

# each_unreadable FIND-ARGUMENTS…: whatever of these places cannot be read, what it
# might refer to stays.
each_unreadable() {
	local place mode failed=0
	make_lone && cat tagged untagged >all && find "$@" >places && [ -s places ] || return
	while read -r place; do
		mode=$(stat -c %a "$place") && chown 0:0 "$place" &&
		chmod 600 "$place" || return
		if ! { may_not_go all && may_not_go tagged -m; }; then
			say "unreadable: $place"
			failed=1
		fi
		chown 65534:65534 "$place" && chmod "$mode" "$place" || return
	done <places
	may_not_go all && goes plan blob - "$dead" && return "$failed"
}

test_case 'no directory of repositories that cannot be read lets go what it might refer to' '
	need_root &&
	each_unreadable vol/docker/registry/v2/repositories -type d -not -path "*/app/*"
'

test_case 'no link that cannot be read lets go what it might refer to' '
	need_root && each_unreadable vol/docker/registry/v2/repositories/lone -type f
'

test_case 'blobs that cannot be read are no reason to take what only they could name' '
	need_root && each_unreadable vol/docker/registry/v2/blobs
'

test_case 'the second of two runs says who holds the lock, and changes nothing' '
	need_strace && from_template && pause_after one renameat2 1 $gc_vol &&
	volume_digest vol >before &&
	run 4 collect vol 2>err && says "$(traced_pid one)" err && says "gc" err &&
	says "since|[0-9]{2}:[0-9]{2}" err &&
	run 4 collect vol --lock-wait 1s && run 4 trash empty --apply &&
	run 4 trash restore latest --apply &&
	volume_digest vol >after && same before after && run 0 plan vol && run 0 trash list &&
	resume one 0 && run 0 collect vol && image_whole
'

test_case '--lock-wait waits for the lock' '
	need_strace && from_template && pause_after one renameat2 1 $gc_vol &&
	start two collect vol --lock-wait 30s && sleep 0.5 &&
	[ ! -e two.status ] && resume one 0 && finish two 0 && image_whole &&
	blobs_gone vol "$orphan" "$dead"
'

test_case 'a lock whose holder died holds nobody up' '
	need_strace && from_template && pause_after one renameat2 1 $gc_vol &&
	kill -KILL "$(traced_pid one)" && wait_until test -e one.status &&
	run 0 collect vol && image_whole && blobs_gone vol "$orphan" "$dead"
'

for signal in INT:130 TERM:143; do
	test_case "SIG${signal%:*} stops between two items, at any of them, with the volume whole" "
		need_strace && from_template && copy_volume vol saved &&
		total=\$(calls_of renameat2 \$gc_vol -m) && [ \"\$total\" -gt 4 ] &&
		for ((n = 1; n < total; n++)); do
			rm -rf vol && copy_volume saved vol &&
			pause_after gc renameat2 \$n \$gc_vol -m &&
			interrupt gc ${signal%:*} ${signal#*:} && says 'interrupt' gc.err &&
			image_whole && run 0 trash list >list &&
			run 0 collect vol -m && image_whole &&
			blobs_gone vol \"\$untagged\" \"\$dead\" \"\$orphan\" ||
			{ say \"after rename \$n\"; return 1; }
		done
	"
done

test_case 'a plan is interrupted at once' '
	need_strace && from_template && volume_digest vol >before &&
	pause_after gc getdents64 5 gc --root vol -j 1 &&
	interrupt gc INT 130 && volume_digest vol >after && same before after
'

test_case 'what an interrupted run took can be put back' '
	need_strace && from_template && volume_content vol >whole &&
	pause_after gc renameat2 4 $gc_vol -m && interrupt gc TERM 143 &&
	run 0 trash restore latest --apply && volume_content vol >now && same whole now
'

test_case 'what a killed run took can be put back' '
	need_strace && from_template && volume_content vol >whole &&
	pause_after gc renameat2 4 $gc_vol -m &&
	kill -KILL "$(traced_pid gc)" && wait_until test -e gc.status &&
	run 0 trash restore latest --apply &&
	volume_content vol >now && same whole now
'

test_case 'the volume vanishes while it is walked' '
	need_strace && from_template && pause_after gc getdents64 6 $gc_vol -j 1 &&
	mv vol moved && mkdir vol &&
	resume gc 0,1,3 && mv moved/* . && [ -z "$(ls -A vol)" ]
'

# blobs_elsewhere: the volume's blobs are on a file system of their own.
blobs_elsewhere() {
	local blobs=vol/docker/registry/v2/blobs
	need_root && from_template && cp -a "$blobs" saved &&
		{ mount -t tmpfs none "$blobs" || skip "cannot mount a tmpfs here"; } &&
		on_exit "umount -l $PWD/$blobs" && cp -a saved/. "$blobs"
}

test_case 'blobs on another file system are refused before anything goes' '
	blobs_elsewhere && volume_content vol >before && run 3 collect vol 2>err &&
	says "mounted|file ?system" err && says "blobs" err && volume_content vol >after &&
	same before after
'

test_case 'a plan says that blobs on another file system cannot go' '
	blobs_elsewhere && run 0 plan vol >plan && says "[0-9] objects .* file system" plan &&
	says_not " years" plan
'

test_case 'one repository on another file system loses nothing, the others are collected' '
	need_root && from_template && dir=$(repository_dir vol lib) && mkdir -p "$dir" &&
	{ mount -t tmpfs none "$dir" || skip "cannot mount a tmpfs here"; } &&
	on_exit "umount -l $PWD/$dir" && kept=$(put_image vol lib:v1 "lib layer") &&
	lib_dead=$(put_layer vol lib "dead in lib") && run 0 collect vol >out 2>&1 &&
	blobs_exist vol "$kept" "$(digest_of "lib layer")" && image_whole &&
	tagged vol lib:v1 "$kept" && layer_linked vol lib "$lib_dead" && blobs_gone vol "$dead"
'

# lib_mounted: a repository that is mounted from elsewhere on the same file system.
lib_mounted() {
	local lib
	lib=$(repository_dir vol lib)
	need_root && from_template && lib_kept=$(put_image vol lib:v1 "lib layer") &&
		lib_dead=$(put_layer vol lib "dead in lib") && mv "$lib" lib && mkdir "$lib" &&
		{ mount --bind lib "$lib" || skip "cannot mount here"; } && on_exit "umount -l $PWD/$lib"
}

test_case 'a repository mounted from the same file system stays, the others are collected' '
	lib_mounted && run 0 collect vol >out 2>&1 && says "1 object .* stays" out &&
	blobs_exist vol "$lib_kept" "$lib_dead" "$(digest_of "lib layer")" && image_whole &&
	tagged vol lib:v1 "$lib_kept" && layer_linked vol lib "$lib_dead" && blobs_gone vol "$dead" &&
	run 0 plan vol --json >plan && [ "$(json .totals.elsewhere_items plan)" = 1 ] &&
	[ "$(json .totals.items plan)" = 0 ]
'

# Which layer of an overlay a directory comes from is not known before it is renamed.
test_case 'where nothing can be renamed into the trash that is an error, and all stays' '
	need_root && from_template && mkdir over && cd over && mkdir upper work merged &&
	{ mount -t overlay -o lowerdir=../vol,upperdir=upper,workdir=work,redirect_dir=off overlay \
		merged || skip "cannot mount an overlay here"; } && on_exit "umount -l $PWD/merged" &&
	volume_content merged >before && run 3 collect merged 2>err && says "into the trash" err &&
	says "overlay" err && volume_content merged >after && same before after &&
	trash_is_empty merged && layer=$(put_layer merged app "pushed into the upper layer") &&
	run 0 collect merged >out && says "2 objects .* stay" out && blobs_gone merged "$layer"
'

test_case 'what stays because it is on another file system is not called young' '
	need_root && from_template && dir=$(repository_dir vol lib) && mkdir -p "$dir" &&
	{ mount -t tmpfs none "$dir" || skip "cannot mount a tmpfs here"; } &&
	on_exit "umount -l $PWD/$dir" && put_layer vol lib "dead in lib" &&
	run 0 plan vol >out && says_not " years" out && run 0 plan vol --json >plan &&
	list_says_not young plan .
'

test_case 'a full disk: a collection with its space set aside works, and undo as well' '
	make_disk 16 && ln -s disk vol && make_garbage && run 0 collect vol &&
	second=$(put_blob vol "second orphan") && fill_disk &&
	run 0 collect vol -m && blobs_gone vol "$second" "$untagged" && image_whole &&
	run 0 trash restore latest --apply &&
	blobs_exist vol "$second" "$untagged" "$(digest_of "old layer")"
'

test_case 'a full disk: --purge frees it' '
	make_disk 16 && ln -s disk vol && make_garbage && run 0 collect vol &&
	head -c 3000000 /dev/urandom >big && big=$(put_file vol big) && fill_disk &&
	run 0 collect vol --purge && blobs_gone vol "$big" &&
	dd if=/dev/zero of=disk/more bs=1M count=2 status=none && image_whole
'

test_case 'a full disk at the very first collection: it works or says why, and loses nothing' '
	make_disk 16 && ln -s disk vol && make_garbage && fill_disk &&
	volume_content vol >before && run 0,3 collect vol 2>err >out && image_whole &&
	{ blobs_gone vol "$orphan" || { says "space" err && volume_content vol >after &&
	same before after; }; }
'

test_case 'a disk without inodes: it works or says why, and loses nothing' '
	make_disk 16 && ln -s disk vol && make_garbage && run 0 collect vol &&
	orphan=$(put_blob vol "second orphan") && mkdir disk/many &&
	{ ( cd disk/many &&
	for n in {1..9000}; do : >"$n" || break; done ) 2>/dev/null || true; } &&
	run 0,3 collect vol 2>err >out && image_whole
'

test_case 'without openat2 the result is the same' '
	need_strace && from_template && run 0 plan vol -m --json >plan && items plan >a &&
	run 0 strace -f -qq -o trace -e trace=openat2 -e inject=openat2:error=ENOSYS drydock \
		gc --root vol --grace 0 -m --json >plan &&
	items plan >b && same a b && [ -s b ] &&
	run 0 strace -f -qq -o trace -e trace=openat2 -e inject=openat2:error=ENOSYS drydock \
		$gc_vol -m &&
	image_whole && blobs_gone vol "$untagged" "$dead" "$orphan"
'

test_case 'where nothing may be mounted, for want of the call or of the right, the plan is the same' '
	need_root && need_strace && from_template && run 0 plan vol -m --json >plan && items plan >a &&
	for fault in open_tree:error=ENOSYS open_tree:error=EPERM mount_setattr:error=ENOSYS \
		mount_setattr:error=EINVAL; do
		run 0 strace -f -qq -o trace -e "trace=${fault%%:*}" -e "inject=$fault" drydock \
			gc --root vol --grace 0 -m --json >plan &&
		grep -q INJECTED trace && items plan >b && same a b && [ -s b ] || return
	done
'

test_case 'where nothing may be mounted a collection is the same' '
	need_strace && from_template && run 0 strace -f -qq -o trace -e trace=open_tree \
		-e inject=open_tree:error=EPERM drydock $gc_vol -m &&
	image_whole && blobs_gone vol "$untagged" "$dead" "$orphan"
'

test_case 'without openat2 no symlink is followed either' '
	need_strace && from_template && make_volume outside &&
	put_layer outside other "outside" && volume_digest outside >before &&
	for place in "$(repository_dir vol other)" "$(repository_dir vol app)/_uploads" \
		"$(tag_dir vol app:v1)/index/sha256"; do
		rm -rf "$place" &&
		ln -s "$PWD/outside/docker/registry/v2/repositories/other" "$place" || return
	done &&
	run 1 strace -f -qq -o trace -e trace=openat2 -e inject=openat2:error=ENOSYS drydock \
		$gc_vol -m &&
	volume_digest outside >after && same before after && image_whole &&
	blobs_exist vol "$dead" "$orphan"
'

test_case 'where RENAME_NOREPLACE is not known, nothing is replaced all the same' '
	need_strace && from_template &&
	run 0 strace -f -qq -o trace -e trace=renameat2 -e inject=renameat2:error=EINVAL \
		drydock $gc_vol -m &&
	blobs_gone vol "$untagged" "$orphan" && image_whole &&
	mkdir -p "$(blob_dir vol "$orphan")" && printf other >"$(blob_data vol "$orphan")" &&
	run 1 strace -f -qq -o trace -e trace=renameat2 -e inject=renameat2:error=EINVAL \
		drydock trash --root vol restore latest --apply >out 2>&1 &&
	[ "$(cat "$(blob_data vol "$orphan")")" = other ] && blobs_exist vol "$untagged"
'
test_case 'what could not be looked at makes the status 1 and is named, with -q too' '
	need_root && make_volume vol && put_image vol app:v1 "layer" &&
	put_upload vol app 6b3c4c4e-8f0c-4e4f-9d0a-000000000001 half 30d && chmod -R a+rX . &&
	chmod 0700 vol/docker/registry/v2/repositories/app/_uploads &&
	run 1 as_nobody drydock gc --root vol >out && says "_uploads: Permission denied" out &&
	run 1 as_nobody drydock gc --root vol -q >out && says "_uploads: Permission denied" out &&
	run 1 as_nobody drydock gc --root vol --json >plan && valid gc plan &&
	json ".totals.unreadable == 1 and (.unread | length) == 1" plan
'

done_testing
