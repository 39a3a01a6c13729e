#!/bin/bash
# A registry that goes on writing while we collect. The tool is stopped between
# two of its renames, the other writer acts, and the tool goes on.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

gc_vol="gc --root vol --grace 0 --apply"

# A tagged image, an untagged one, and dead links enough that there is a first
# rename which concerns neither of them.
make_busy() {
	make_volume vol && tagged=$(put_image vol app:v1 "base" "tagged layer") &&
		image=$(put_image vol app "base" "untagged layer") &&
		layer=$(digest_of "untagged layer") && dead=$(put_layer vol app "dead") &&
		other=$(put_image vol lib:v1 "lib layer") &&
		far_dead=$(put_layer vol lib "far dead")
}
template make_busy

image_whole() {
	blobs_exist vol "$image" "$layer" "$(digest_of base)" \
		"$(digest_of "$(config_of base "untagged layer")")" &&
		revision_linked vol app "$image" && layer_linked vol app "$layer" &&
		blobs_exist vol "$tagged" "$other" "$(digest_of "tagged layer")" \
			"$(digest_of "lib layer")" &&
		tagged vol app:v1 "$tagged"
}

# As the reference pushes: bytes that are there are left alone, links written.
push_image() {
	put_image vol "app:$1" "base" "untagged layer"
}

test_case 'a tag given to an image between plan and withdrawal saves it' '
	need_strace && from_template && pause_after gc renameat2 1 $gc_vol -m &&
	tag vol app:new "$image" && resume gc 0 && image_whole && tagged vol app:new "$image" &&
	blobs_gone vol "$dead" "$far_dead"
'

test_case 'a push of the whole image between plan and withdrawal saves it' '
	need_strace && from_template && pause_after gc renameat2 1 $gc_vol -m &&
	push_image new && resume gc 0 && image_whole && blobs_gone vol "$far_dead"
'

test_case 'a re-push that only rewrites a link in place saves the layer' '
	need_strace && from_template && pause_after gc renameat2 1 $gc_vol &&
	[ "$(put_layer vol app "dead")" = "$dead" ] &&
	[ "$(put_layer vol lib "far dead")" = "$far_dead" ] && resume gc 0 &&
	blobs_exist vol "$dead" "$far_dead" && layer_linked vol app "$dead" &&
	layer_linked vol lib "$far_dead"
'

test_case 'a tag moved back in place saves what it points to' '
	need_strace && make_volume vol && image=$(put_image vol app:v1 "first layer") &&
	put_image vol app:v1 "second layer" &&
	put_layer vol lib "far dead" && pause_after gc renameat2 1 $gc_vol -m &&
	printf %s "$image" >"$(current_link vol app:v1)" &&
	mkdir -p "$(dirname "$(history_link vol app:v1 "$image")")" &&
	write_link "$(history_link vol app:v1 "$image")" "$image" &&
	resume gc 0 && blobs_exist vol "$image" "$(digest_of "first layer")" &&
	revision_linked vol app "$image" &&
	layer_linked vol app "$(digest_of "first layer")"
'

for option in '' ' -m'; do
	test_case "a blob mounted into another repository during the run stays$option" "
		need_strace && from_template && pause_after gc renameat2 1 \$gc_vol$option &&
		link_layer vol mounted \"\$dead\" && resume gc 0 &&
		blobs_exist vol \"\$dead\" && layer_linked vol mounted \"\$dead\"
	"

	test_case "a blob found by HEAD during the run and then used by a manifest stays$option" "
		need_strace && from_template && pause_after gc renameat2 1 \$gc_vol$option &&
		new=\$(put_image_of vol app:head \"\$(descriptor \"\$type_layer\" \"\$dead\" 4)\") &&
		resume gc 0 &&
		blobs_exist vol \"\$dead\" \"\$new\" \"\$(digest_of {})\"
	"

	test_case "a blob pushed during the run stays$option" "
		need_strace && from_template && pause_after gc renameat2 1 \$gc_vol$option &&
		new=\$(put_layer vol app \"brand new\") &&
		bare=\$(put_blob vol \"no link yet\") && resume gc 0 &&
		blobs_exist vol \"\$new\" \"\$bare\" && layer_linked vol app \"\$new\"
	"

	test_case "a revision deleted while its repository is walked hides no other$option" "
		need_strace && from_template && doomed=\$(put_image vol app \"doomed layer\") &&
		copy_volume vol saved &&
		run 0 strace -f -qq -o calls -e trace=getdents64 drydock gc --root vol -j 1 >plan &&
		total=\$(grep -c getdents64 calls) &&
		[ \"\$total\" -gt 10 ] && for ((n = 1; n < total; n += 5)); do
			rm -rf vol && copy_volume saved vol &&
			pause_after gc getdents64 \$n \$gc_vol -j 1$option || return
			rm \"\$(revision_link vol app \"\$doomed\")\" && resume gc 0 &&
			blobs_exist vol \"\$tagged\" \"\$other\" \"\$(digest_of base)\" \
				\"\$(digest_of \"tagged layer\")\" \
				\"\$(digest_of \"lib layer\")\" || return
		done
	"
done

test_case 'a push at any moment of the run is whole, at the latest after the next one' '
	need_strace && from_template && copy_volume vol saved &&
	total=$(calls_of renameat2 $gc_vol -m) && [ "$total" -gt 8 ] &&
	for ((n = 1; n <= total; n++)); do
		rm -rf vol && copy_volume saved vol &&
		pause_after gc renameat2 "$n" $gc_vol -m &&
		push_image new && resume gc 0 && run 0 collect vol -m && image_whole &&
		tagged vol app:new "$image" ||
		{ say "pushed after rename $n of $total"; return 1; }
	done
'

test_case 'a tag given at any moment of the run leads to a whole image after the next one' '
	need_strace && from_template && copy_volume vol saved &&
	total=$(calls_of renameat2 $gc_vol -m) &&
	for ((n = 1; n <= total; n++)); do
		rm -rf vol && copy_volume saved vol &&
		pause_after gc renameat2 "$n" $gc_vol -m &&
		tag vol app:new "$image" && resume gc 0 && run 0 collect vol -m &&
		image_whole ||
		{ say "tagged after rename $n of $total"; return 1; }
	done
'

# The reference looks for the manifest's bytes, and writes only the links. Which of them the manifest
# needs no run has read yet: what deletes a manifest leaves its bytes, and no link to them.
for option in "" " --purge"; do
	test_case "what was deleted and is pushed again while its bytes go comes back in the same run$option" "
		need_strace && from_template && delete_revision vol app \"\$image\" &&
		copy_volume vol saved && removed=\$(calls_of renameat2 \$gc_vol -m) && rm -r vol &&
		copy_volume saved vol && pause_after gc renameat2 \"\$removed\" \$gc_vol -m$option &&
		blobs_gone vol \"\$image\" && link_revision vol app \"\$image\" &&
		tag vol app:new \"\$image\" && resume gc 0 && image_whole && tagged vol app:new \"\$image\" &&
		says_not 'in doubt' gc.err && blobs_gone vol \"\$dead\" \"\$far_dead\"
	"
done

for option in "" " --purge"; do
	test_case "a link that a writer still had open brings back what it leads to$option" "
		need_strace && from_template && removed=\$(calls_of renameat2 \$gc_vol -m) &&
		rm -r vol && from_template && pause_after gc renameat2 \"\$removed\" \$gc_vol -m$option &&
		run=\$(latest_run vol) &&
		printf %s \"\$image\" >\"\$(revision_link \"vol/.drydock/trash/\$run\" app \"\$image\")\" &&
		resume gc 0 && image_whole && blobs_gone vol \"\$dead\" \"\$far_dead\"
	"
done

for option in "" " --purge"; do
	test_case "what came back counts neither as withdrawn nor as freed$option" "
		need_strace && make_volume vol && put_image vol app:v1 one && run 0 plan vol &&
		dead=\$(put_layer vol app dead) && gone=\$(put_layer vol app 'really gone') &&
		pause_after gc renameat2 4 \$gc_vol --json$option &&
		put_image_of vol app:new \"\$(descriptor \"\$type_layer\" \"\$dead\" 4)\" &&
		resume gc 0 && blobs_exist vol \"\$dead\" && valid gc gc.out &&
		json '.totals | .items == 4 and .withdrawn_items == 2 and .revived_items == 2' gc.out &&
		json '.totals.withdrawn_bytes == 71 + 11' gc.out &&
		json '.totals.freed_bytes == (if .purged then 71 + 11 else 0 end)' gc.out
	"
done

test_case 'where all came back there is no run that could be undone' '
	need_strace && make_volume vol && put_image vol app:v1 one &&
	dead=$(put_layer vol app dead) && pause_after gc renameat2 2 $gc_vol &&
	put_image_of vol app:new "$(descriptor "$type_layer" "$dead" 4)" && resume gc 0 &&
	blobs_exist vol "$dead" && trash_is_empty vol && says_not "trash restore" gc.out &&
	says_not "freed with the trash" gc.out
'

test_case 'what a writer still had open and wrote to after it was withdrawn comes back' '
	need_strace && make_volume vol && put_image vol app:v1 "layer" &&
	uuid=6b3c4c4e-8f0c-4e4f-9d0a-000000000001 &&
	put_upload vol app "$uuid" half 30d && age vol "$(upload_dir vol app "$uuid")" 30d &&
	exec 5>>"$(upload_dir vol app "$uuid")/data" && pause_after gc renameat2 1 $gc_vol &&
	in_trash vol "$(upload_dir vol app "$uuid")" && echo "and the rest" >&5 &&
	resume gc 0 &&
	says "and the rest" "$(upload_dir vol app "$uuid")/data"
'

test_case 'an upload that ends between its listing and its look is nothing to report' '
	need_strace && make_volume vol && put_image vol app:v1 "layer" &&
	uuid=6b3c4c4e-8f0c-4e4f-9d0a-000000000001 && put_upload vol app "$uuid" half 30d &&
	paused_at=$PWD/$(dirname "$(upload_dir vol app "$uuid")") &&
	pause_after gc getdents64 1 gc --root vol --json &&
	rm -r "$(upload_dir vol app "$uuid")" && resume gc 0 && valid gc gc.out &&
	json ".totals.unreadable == 0 and .items == []" gc.out
'

test_case 'an upload that ends between its two looks is nothing to report' '
	need_strace && make_volume vol && put_image vol app:v1 "layer" &&
	uuid=6b3c4c4e-8f0c-4e4f-9d0a-000000000001 && put_upload vol app "$uuid" half 30d &&
	paused_at=$PWD/$(upload_dir vol app "$uuid")/startedat &&
	pause_after gc read 1 gc --root vol --json &&
	rm -r "$(upload_dir vol app "$uuid")" && resume gc 0 && valid gc gc.out &&
	json ".totals.unreadable == 0 and .items == []" gc.out
'

test_case 'a repository removed by its operator while we collect is no failure' '
	need_strace && from_template && pause_after gc renameat2 1 $gc_vol -m &&
	rm -rf "$(repository_dir vol lib)" && resume gc 0 &&
	blobs_exist vol "$tagged" "$(digest_of "tagged layer")"
'

test_case 'a plan made while the registry writes loses nothing and does not fail' '
	from_template && { { for n in {1..60}; do
		put_image vol "app:n$n" "base" "layer $n" &&
		put_image vol "app:moved" "layer $n" || exit
	done >pushed; } & } && writer=$! &&
	while kill -0 "$writer" 2>/dev/null; do
		run 0 collect vol -m --grace 1h || return
	done && wait "$writer" &&
	blobs_exist vol $(sort -u pushed | grep -o "sha256:[0-9a-f]*")
'

done_testing
