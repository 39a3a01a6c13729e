#!/bin/bash
# Completion: what the tool offers, and what the shells make of it.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

make_names() {
	make_volume vol && image=$(put_image vol app:v1 one) && tag vol app:latest "$image" &&
		put_image vol library/app:v2 two >/dev/null &&
		put_image vol library/tools/deep:v3 three >/dev/null &&
		put_image vol library/tools:v4 four >/dev/null
}
template make_names

# offers WORD…: names alone, sorted, on one line.
offers() {
	run 0 drydock --complete "$@" >offered 2>err && [ ! -s err ] &&
		cut -f 1 offered | sort | paste -sd " "
}

# is EXPECTED WORD…
is() {
	local got
	got=$(offers "${@:2}")
	[ "$got" = "$1" ] || { say "of '${*:2}': '$got', not '$1'"; return 1; }
}

test_case 'every command is offered with its summary, and by its beginning' '
	run 0 drydock --complete "" >offered && says "^ls	list" offered &&
	drydock --help | sed -n "/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p" | sort >commands &&
	cut -f 1 offered | sort >names && same commands names && is "log ls" l &&
	is "log ls" help l
'

test_case 'the options of a command and the common ones are offered, and no others' '
	is "--moved" log --mo && is "--root" ls --roo && is "" ls --appl && is "--apply" gc --appl &&
	is "--json" --js && for command in ls gc verify log diff snapshot trash; do
		offers "$command" -- >found && for option in $(drydock "$command" --help |
			grep -oE "^  (-.|  ),? --[a-z-]+" | grep -oE -e "--[a-z-]+"); do
			says " ?$option( |$)" found || return
		done
	done
'

test_case 'an option that is one of a few is completed, in both ways of writing it' '
	is "name pushed size" ls --sort "" && is "pushed" ls --sort p &&
	is "--sort=name --sort=pushed --sort=size" ls --sort= && is "--sort=size" ls --sort=s
'

test_case 'repositories are offered a directory at a time' '
	from_template && is "app library/" --root vol ls "" && is "library/" ls --root vol l &&
	is "library/app library/tools library/tools/" --root=vol ls library/ &&
	is "library/tools/deep" --root=vol ls library/tools/ && is "" --root vol ls nowhere/
'

test_case 'tags are offered behind a colon' '
	from_template && is "app:latest app:v1" --root vol log app: &&
	is "app:latest" --root vol -v diff app:v1 app:l && is "" --root vol ls nowhere:
'

test_case 'only the directories are listed that the word leads through' '
	need_strace && from_template &&
	run 0 strace -f -o trace by_path drydock --complete --root vol ls app: &&
	says_not "library" trace && says "app" trace
'

test_case 'commands that name nothing of the volume are left to the shell' '
	from_template && is "" --root vol snapshot "" && is "" --root vol diff ./ &&
	is "" --root vol ls --root "" && is "empty list restore show" trash "" &&
	is "app library/" --root vol trash restore ""
'

test_case 'what goes wrong is never said on the line that somebody types' '
	is "" --root /nonexistent ls "" && is "" no-such-command "" && is "" ls --sort colour "" &&
	is "--root" --root && run 0 drydock --complete >out && says "^gc" out
'

test_case 'names that are not valid are no candidates' '
	from_template && mkdir -p "$(repository_dir vol "evil\$(id)")/_manifests/tags" \
		"$(repository_dir vol UPPER)/_manifests" "$(tag_dir vol "app:-x;y")/current" &&
	is "app library/" --root vol ls "" && is "app:latest app:v1" --root vol ls app:
'

# bash_offers LINE WORD…: COMPREPLY of the installed script, words as bash breaks them.
bash_offers() {
	bash -c '
		. "$0" && COMP_LINE=$1 COMP_POINT=${#1} && shift && COMP_WORDS=("$@") &&
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) && _drydock &&
		printf "%s\n" "${COMPREPLY[@]}" | sort | paste -sd " "
	' "$top/contrib/completion/drydock.bash" "$@"
}

test_case 'bash completes commands, options, repositories and tags, whatever it breaks words at' '
	from_template && [ "$(bash_offers "drydock lo" drydock lo)" = log ] &&
	[ "$(bash_offers "drydock ls --sort=s" drydock ls --sort = s)" = size ] &&
	[ "$(bash_offers "drydock --root vol ls " drydock --root vol ls "")" = "app library/" ] &&
	[ "$(bash_offers "drydock --root vol ls app:" drydock --root vol ls app :)" = "latest v1" ] &&
	[ "$(bash_offers "drydock --root vol ls app:l" drydock --root vol ls app : l)" = latest ] &&
	[ "$(bash_offers "drydock --root=vol diff app:v1 " drydock --root = vol diff app : v1 "")" = \
		"app library/" ] && mkdir "$HOME/v" && cp -a vol "$HOME/v/" && on_exit rm -r "$HOME/v" &&
	[ "$(bash_offers "drydock --root ~/v/vol ls a" drydock --root "~/v/vol" ls a)" = app ]
'

test_case 'fish completes by the same candidates' '
	need_command fish && from_template && fish --no-config -c "
		source $top/contrib/completion/drydock.fish
		complete -C \"drydock lo\"; complete -C \"drydock --root vol ls app:\"" >found &&
	says "^log	where tags" found && says "^app:v1" found && says "^app:latest" found
'

# A function that zsh runs stands for its completion system.
test_case 'zsh completes by the same candidates' '
	need_command zsh && from_template && cat >asks.zsh <<-"END" &&
		_call_program() { shift; eval "$*"; }
		compadd() { print -l -- "${(@P)@[-1]}"; }
		_files() { print files; }
		ask() {
			words=("$@") CURRENT=$# PREFIX=$argv[-1]
			functions[go]=$code
			go
		}
		code="$(grep -v "^#compdef" $1)"
		ask drydock lo
		ask drydock --root vol ls app:
		ask drydock --root vol ls ""
		ask drydock snapshot ""
	END
	run 0 zsh -f asks.zsh "$top/contrib/completion/_drydock" >found &&
	for line in log app:v1 app:latest library/ files; do
		says "^$line\$" found || return
	done
'

test_case 'completions are installed where the shells look, and removed again' '
	need_command make && DESTDIR=$PWD/to &&
	make -s -C "$top" -n install DESTDIR="$DESTDIR" BUILD="$BUILD" >plan 2>/dev/null &&
	for place in bash-completion/completions/drydock zsh/site-functions/_drydock \
		fish/vendor_completions.d/drydock.fish; do
		says "share/$place" plan || return
	done && make -s -C "$top" -n uninstall DESTDIR="$DESTDIR" BUILD="$BUILD" >plan 2>/dev/null &&
	for place in bash-completion/completions/drydock zsh/site-functions/_drydock \
		fish/vendor_completions.d/drydock.fish; do
		says "share/$place" plan || return
	done
'

done_testing
