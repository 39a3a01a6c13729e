#!/bin/bash
# What takes the space: totals as du(1) has them, exclusive bytes as a collection frees them.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/sizes.sh
. "$e2e/sizes.sh"

# Two namespaces and a repository in none; layers shared by tags, by repositories, by namespaces.
make_sharers() {
	make_volume vol && base=$(digest_of "the base of all") &&
		put_image vol team/app:one "the base of all" "layer of one" "$(printf %09000d 0)" &&
		put_image vol team/app:two "the base of all" "layer of two, a bit longer" &&
		one=$(cat "$(current_link vol team/app:one)") && tag vol team/app:same "$one" &&
		put_image vol team/web/site:v1 "the base of all" "layer of the site" &&
		put_image vol lone:v1 "$(printf %05000d 0)" "layer of the site" &&
		put_image vol team/app "nobody tagged this" &&
		put_referrer vol team/app "$one" "a bill of materials" >/dev/null &&
		put_index vol team/app:multi "$one" "$(cat "$(current_link vol team/app:two)")" &&
		put_blob vol "nothing reaches this" && put_upload vol lone \
			6d5e4ff2-9c6a-4d12-8a86-3c37c0a2f2f7 "half of a layer" 1h
} >/dev/null
template make_sharers

generate() {
	"$BUILD/tests/make-volume" --preset small --referrers 30 --index-every 2 --moves 2 \
		--untagged 2 --nested --age 3d "$@" --out vol >&7
}

test_case 'the totals add up to what du says: blocks, directories and links' '
	from_template && agrees_with_du vol &&
	json ".totals | [.referenced, .unreferenced, .blob_directories, .links, .uploads, .trash,
		.state, .other] | add" sum >added && [ "$(cat added)" = "$(json .totals.all sum)" ]
'

test_case 'they do after a collection, with the trash apart, and with what nobody expects' '
	from_template && run 0 collect vol >&7 && agrees_with_du vol &&
	json ".totals.trash > 0 and .totals.state > 0 and .totals.unreferenced == 0" sum &&
	mkdir -p vol/docker/strange/deep && printf %090000d 0 >vol/docker/strange/deep/file &&
	ln -s nowhere vol/docker/link && mkfifo vol/fifo &&
	printf %020000d 0 >"$(tag_dir vol lone:v1)/.swp" && agrees_with_du vol
'

test_case 'they do where files have several names, and where they have holes' '
	from_template && large=$(digest_of "$(printf %09000d 0)") && mkdir -p vol/backup &&
	ln "$(blob_data vol "$large")" vol/backup/copy &&
	ln "$(current_link vol lone:v1)" vol/docker/another && agrees_with_du vol &&
	truncate -s 1M "$(blob_data vol "$(digest_of "nothing reaches this")")" &&
	agrees_with_du vol && run 0 drydock du --root vol --apparent-size --json >sum &&
	json ".totals.unreferenced == 1048576" sum
'

test_case 'they do on generated volumes, of several kinds' '
	generate && agrees_with_du vol && rm -r vol &&
	generate --seed 7 --uploads 5 --orphans 20 --layer-bytes 9000 && agrees_with_du vol &&
	run 0 collect vol -m >&7 && agrees_with_du vol
'

test_case '--apparent-size adds up the sizes of all files' '
	from_template && run 0 drydock du --root vol --apparent-size --json >sum && valid du sum &&
	json ".sizes == \"apparent\"" sum &&
	wanted=$(find vol \( -type f -o -type l \) -printf "%s\n" | awk "{ s += \$1 } END { print s }") &&
	[ "$(json .totals.all sum)" = "$wanted" ] &&
	[ "$(json .totals.unreferenced sum)" = 20 ] && json ".totals.unreferenced_blobs == 1" sum
'

test_case 'exclusive bytes of every tag and repository are what really goes with it' '
	from_template && run 0 drydock du --root vol --by tag --apparent-size --json >tags &&
	valid du tags && sized tags exclusive >list && [ "$(wc -l <list)" = 6 ] &&
	run 0 drydock du --root vol --apparent-size --json >names && valid du names &&
	jq -r ".rows[] | select(.repository) | [.repository, .exclusive] | join(\" \")" names >>list &&
	while read -r name tag bytes; do
		reference=$name:$tag
		[ "$bytes" ] || { bytes=$tag reference=$name; }
		freed=$(really_frees vol "$reference") && [ "$freed" = "$bytes" ] || {
			say "$reference: says $bytes, frees $freed"
			return 1
		}
	done <list && json "[.rows[] | select(.namespace == \"team/\").exclusive] == [$(really_frees vol \
		team/app team/web/site)]" names
'

# The same for every tag and repository of volumes that nobody made for it.
as_why_says() {
	local name tag bytes
	run 0 drydock du --root vol --by tag --apparent-size --json >tags &&
		sized tags exclusive >list &&
		run 0 drydock du --root vol --apparent-size --json >names &&
		jq -r '.rows[] | select(.repository) | [.repository, "", .exclusive] | join(" ")' \
			names | sed "s/  / - /" >>list && [ "$(wc -l <list)" -gt 10 ] || return
	while read -r name tag bytes; do
		[ "$tag" = - ] || name=$name:$tag
		run 0 drydock why --root vol --grace 0 --free "$name" --json >freed || return
		if [ "$(json .free.bytes freed)" != "$bytes" ]; then
			say "$name: says $bytes, why says $(json .free.bytes freed)"
			return 1
		fi
	done <list
}

test_case 'on generated volumes exclusive bytes are those of why --free, tag by tag' '
	for seed in 1 2; do
		rm -rf vol && generate --seed "$seed" --repositories 4 && as_why_says || return
	done
'

test_case 'a referrer in one repository to an image of another is nobody alone'"'"'s' '
	make_volume vol && image=$(put_image vol here:v1 "an image") &&
	put_image vol there:v1 "an image" && put_referrer vol there "$image" "about it" &&
	put_image vol there:v2 "another" && tag vol there:v3 "$image" && rm -r "$(tag_dir vol there:v3)" &&
	put_referrer vol here "$(cat "$(current_link vol there:v2)")" "about the other" &&
	run 0 drydock du --root vol --by tag --apparent-size --json >tags && sized tags exclusive >list &&
	while read -r name tag bytes; do
		freed=$(really_frees vol "$name:$tag") && [ "$freed" = "$bytes" ] || {
			say "$name:$tag: says $bytes, frees $freed"
			return 1
		}
	done <list && [ "$(wc -l <list)" = 3 ]
'

test_case 'what doubt holds is nobody'"'"'s own' '
	from_template && flip_blob vol "$one" && run 1 drydock du --root vol --json >sum &&
	valid du sum && json "[.rows[] | select(.repository == \"team/app\").exclusive] == [0]" sum &&
	json ".problems > 0" sum && agree=$(du -s --block-size=1 vol | cut -f 1) &&
	[ "$(json .totals.all sum)" = "$agree" ] &&
	json "[.rows[] | select(.held) | .repository // .namespace] == [\"team/\", \"team/app\"]" sum &&
	run 1 drydock du --root vol >text && says "team/app .* held " text && says "^held: a doubt" text &&
	run 1 drydock du --root vol --by tag >text && says "team/app .*two .* held " text &&
	run 0 drydock du --root vol lone >text && says_not held text
'

test_case 'logical is what pulling each tag transfers, physical has each blob once' '
	from_template && run 0 drydock du --root vol --apparent-size --json >sum &&
	run 0 drydock ls --root vol team/app --json >list &&
	[ "$(json "[.tags[].size] | add" list)" = \
		"$(json ".rows[] | select(.repository == \"team/app\").logical" sum)" ] &&
	run 0 drydock ls --root vol --json >list &&
	[ "$(json ".repositories[] | select(.repository == \"team/app\").size" list)" = \
		"$(json ".rows[] | select(.repository == \"team/app\").physical" sum)" ] &&
	json "[.rows[] | select(.physical != .exclusive + .shared)] == []" sum
'

test_case 'namespaces and repositories come the largest first, each below what it is in' '
	from_template && run 0 drydock du --root vol --apparent-size --json >sum &&
	json "[.rows[] | .repository // .namespace] ==
		[\"team/\", \"team/app\", \"team/web/\", \"team/web/site\", \"lone\"]" sum &&
	json "[.rows[].depth] == [1, 2, 2, 3, 1]" sum &&
	run 0 drydock du --root vol >text && says "^├─|^└─" text && says "^ +└─team/web/site" text &&
	run 0 drydock du --root vol --depth 1 --json >sum && valid du sum &&
	json "[.rows[] | .repository // .namespace] == [\"team/\", \"lone\"]" sum &&
	run 0 drydock du --root vol --by namespace --json >same && valid du same &&
	[ "$(json .rows same)" = "$(json .rows sum)" ]
'

test_case '--top shows the largest at each level, and says how many it leaves out' '
	from_template && run 0 drydock du --root vol --top 1 --apparent-size --json >sum &&
	valid du sum && json "[.rows[] | .repository // .namespace] == [\"team/\", \"team/app\"]" sum &&
	json ".hidden == 1 and .rows[0].hidden == 1" sum &&
	run 0 drydock du --root vol --top 1 >text && says "2 more" text &&
	run 0 drydock du --root vol --by tag --top 2 --json >sum && json ".rows | length == 2" sum &&
	json ".hidden == 4" sum
'

test_case '--by mediatype has every blob once, by the type that manifests say' '
	from_template && run 0 drydock du --root vol --by mediatype --apparent-size --json >sum &&
	valid du sum && json "[.rows[].physical] | add" sum >added &&
	[ "$(cat added)" = "$(json ".totals.referenced + .totals.unreferenced" sum)" ] &&
	json "[.rows[].blobs] | add" sum >count &&
	[ "$(cat count)" = "$(find vol -name data -path "*/blobs/*" | wc -l)" ] &&
	json "[.rows[] | select(.mediatype == \"$type_index\").blobs] == [1]" sum &&
	json "[.rows[] | select(.mediatype == \"(nothing names it)\").physical] == [20]" sum
'

test_case '--by layer counts the manifests and repositories that need one' '
	from_template && run 0 drydock du --root vol --by layer --json >sum && valid du sum &&
	json "[.rows[] | select(.digest == \"$base\") | .manifests, .repositories] == [3, 2]" sum &&
	json "[.rows[] | select(.digest == \"$(digest_of "layer of the site")\") | .repositories] == [2]" sum &&
	json ".rows[0].digest == \"$(digest_of "$(printf %09000d 0)")\"" sum
'

test_case '--by age has every blob once, by when it was written' '
	from_template && age vol everything 40d && age vol "$base" 400d &&
	run 0 drydock du --root vol --by age --apparent-size --json >sum && valid du sum &&
	json "[.rows[] | select(.age == \"over a year\").physical] == [15]" sum &&
	json "[.rows[] | select(.blobs > 0).age] == [\"a month to 3 months\", \"over a year\"]" sum &&
	json "[.rows[].physical] | add" sum >added &&
	[ "$(cat added)" = "$(json ".totals.referenced + .totals.unreferenced" sum)" ]
'

test_case 'a repository alone has its tags, and no other is looked at' '
	need_strace && from_template &&
	run 0 strace -f -o trace drydock du --root vol team/app --apparent-size --json >sum &&
	valid du sum && ! grep -q "/lone" trace && json ".only == \"team/app\"" sum &&
	json "[.rows[].tag] | sort == [\"multi\", \"one\", \"same\", \"two\"]" sum &&
	json "[.rows[] | select(.exclusive)] == []" sum &&
	run 0 drydock du --root vol --by tag --apparent-size --json >all &&
	jq -c ".rows[] | select(.repository == \"team/app\") | [.tag, .logical, .physical]" all >expected &&
	jq -c ".rows[] | [.tag, .logical, .physical]" sum >got && same expected got &&
	run 0 drydock du --root vol team/app --exclusive --apparent-size --json >sum && valid du sum &&
	jq -c ".rows[]" sum >got && jq -c ".rows[] | select(.repository == \"team/app\")" all >expected &&
	same expected got
'

test_case 'what a repository takes beside its blobs is what du says of its directories' '
	from_template && run 0 drydock du --root vol lone --json >sum && valid du sum &&
	wanted=$(du -s --block-size=1 vol/docker/registry/v2/repositories/lone | cut -f 1) &&
	[ "$(json ".totals.links + .totals.uploads" sum)" = "$wanted" ] &&
	run 0 drydock du --root vol team/app --by repository --json >sum && valid du sum &&
	json "[.rows[].repository] == [\"team/app\"]" sum
'

test_case '--metrics writes gauges of the volume and of every repository' '
	from_template && run 0 drydock du --root vol -q --depth 1 --top 1 --metrics m.prom >out &&
	[ ! -s out ] && run 0 drydock du --root vol --json >sum &&
	says "^# TYPE drydock_repository_bytes gauge" m.prom &&
	for name in team/app team/web/site lone; do
		for kind in logical physical exclusive; do
			bytes=$(json ".rows[] | select(.repository == \"$name\").$kind" sum) &&
			says "^drydock_repository_bytes\{volume=\".*\",repository=\"$name\",kind=\"$kind\"\} $bytes$" \
				m.prom || return
		done
	done && says "^drydock_volume_bytes\{volume=\".*\",part=\"uploads\"\} $(json .totals.uploads sum)$" m.prom &&
	[ "$(stat -c %a m.prom)" = 644 ] && run 2 drydock du --root vol --by age --metrics m.prom
'

test_case 'what cannot be looked at is counted, the rest is told, and the status is 1' '
	need_root && from_template && chmod -R a+rX vol && chmod 0 "$(repository_dir vol lone)/_manifests" &&
	run 1 as_nobody drydock du --root "$PWD/vol" --json >sum &&
	valid du sum && json ".problems > 0" sum &&
	json "[.rows[] | select(.repository == \"team/app\")] | length == 1" sum
'

test_case 'a row has a bar on a terminal, and none elsewhere' '
	need_command script && from_template &&
	run 0 script -qec "drydock du --root vol" /dev/null >terminal && says "██" terminal &&
	run 0 drydock du --root vol >text && says_not "██" text &&
	LC_ALL=C run 0 script -qec "drydock du --root vol" /dev/null >terminal && says "##" terminal
'

test_case 'on a narrow terminal the bar gives way to names, and names are cut in their middle' '
	need_command script && from_template && put_image vol \
		team/app:2026-11-30-release-candidate-of-a-branch-1 "another layer" >&7 &&
	narrow() { run 0 script -qec "stty cols $1; drydock du --root vol --by tag" /dev/null >terminal; } &&
	narrow 80 && says_not "██" terminal && says "2026-11-.*….*-1 " terminal && says "^lone +v1 " terminal &&
	! tr -d "\r" <terminal | sed "s/\x1b\[[0-9;]*m//g" | grep -E "^.{81}" &&
	narrow 200 && says "██" terminal && says "2026-11-30-release-candidate-of-a-branch-1 " terminal
'

test_case 'a tag or digest is wrong usage of du, and an unknown repository is' '
	from_template && run 2 drydock du --root vol team/app:one 2>err && says "no repository" err &&
	run 2 drydock du --root vol nothing 2>err && says "no repository nothing" err
'

test_case 'what an earlier run found out changes nothing in what is told' '
	from_template && sleep 2.1 && for by in repository tag; do
		run 0 drydock du --root vol --by "$by" --json >cold &&
		run 0 drydock du --root vol --by "$by" --json >warm && same cold warm &&
		run 0 drydock du --root vol --by "$by" --no-index --json >without && same cold without &&
		put_image vol "more/$by:v1" "a new layer" >&7 &&
		run 0 drydock du --root vol --by "$by" --json >warm && ! cmp -s cold warm &&
		run 0 drydock du --root vol --by "$by" --no-index --json >without && same without warm || return
	done
'

# listed OPTION…: directories that a run lists.
listed() {
	run 0 by_path strace -f -qq -e trace=getdents64 -o trace drydock du --root vol "$@" >&7 &&
		grep -c "= 0$" trace
}

test_case 'what has not changed is not listed again, and what has is, whatever it is' '
	need_strace && from_template && sleep 2.1 && agrees_with_du vol &&
	[ "$(listed)" -lt "$(($(listed --no-index) / 2))" ] && agrees_with_du vol &&
	blob=$(blob_data vol "$one") && link=$(current_link vol lone:v1) &&
	agrees() {
		sync -f vol && run 0,1 drydock du --root vol --json >sum &&
			[ "$(json .totals.all sum)" = "$(du -s --block-size=1 vol | cut -f 1)" ]
	} && printf %09000d 0 >"${blob%/*}/another" && agrees &&
	printf %09000d 0 >>"$blob" && agrees &&
	mkdir "${link%/*}/more" && printf %09000d 0 >"${link%/*}/more/file" && agrees &&
	printf %09000d 0 >"$(tag_dir vol team/app:one)/strange" && agrees &&
	sleep 2.1 && agrees && agrees && rm "$link" "${blob%/*}/another" && agrees &&
	rm -r "${link%/*}" && ln -s /etc "${link%/*}" && agrees &&
	rm -r "$(tag_dir vol team/app:two)" && agrees
'

test_case 'directories that go while they are listed are no problem, however deep' '
	need_strace && from_template && run 0 drydock du --root vol --no-index --json >whole &&
	layers=$(repository_dir vol team/app)/_layers/sha256 &&
	run 0 by_path strace -f -qq -o trace -P "$PWD/$layers" -e trace=getdents64 \
		-e inject=getdents64:error=ENOENT:when=2+ drydock du --root vol --no-index --json >sum &&
	grep -q INJECTED trace && same whole sum
'

test_case 'somebody who may not copy mounts is told the same' '
	need_root && from_template && chmod -R a+rX vol && mkdir cache && chown nobody cache && sleep 2.1 &&
	for _ in 1 2 3; do
		run 0 as_nobody drydock du --root "$PWD/vol" --cache-dir "$PWD/cache" --json >sum &&
		[ "$(json .totals.all sum)" = "$(du -s --block-size=1 vol | cut -f 1)" ] || return
	done && [ -s "$(echo cache/*/measure)" ]
'

test_case 'whoever stops reading ends it without a word' '
	from_template && for n in {1..200}; do
		mkdir -p "$(repository_dir vol "repo$n")/_layers/sha256" || return
	done &&
	{ drydock du --root vol --json 2>err; echo "$?" >status; } | head -c 1 >out &&
	[ ! -s err ] && grep -qxE "0|3|141" status
'

test_case 'a volume without anything has totals all the same' '
	make_volume vol && agrees_with_du vol && json ".rows == []" sum && run 0 drydock du --root vol >text &&
	says "^all " text
'

done_testing
