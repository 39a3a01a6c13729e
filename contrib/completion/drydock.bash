# Completion of drydock(1) for bash. The tool itself knows commands, options, repositories and tags.
# shellcheck shell=bash

_drydock() {
	local IFS=$'\n' words=() word current candidate colons i glue=0

	# bash breaks words at colons and equals signs: "app:v1" is three.
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		: | = | ::)
			if ((${#words[@]})); then
				words[${#words[@]} - 1]+=$word
			else
				words+=("$word")
			fi
			glue=1
			;;
		*)
			# "app: " is behind the colon, and a word of its own.
			if ((glue)) && ((${#words[@]})) &&
				[[ $word || ${COMP_LINE:COMP_POINT-1:1} != " " ]]; then
				words[${#words[@]} - 1]+=$word
			else
				words+=("$word")
			fi
			glue=0
			;;
		esac
	done
	# Nothing expands them but a shell.
	words=("${words[@]/#\~\//$HOME/}")
	current=${words[${#words[@]} - 1]-}
	# What stands in front of the last break is on the line already.
	colons=
	case $COMP_WORDBREAKS in
	*:*) case $current in *:*) colons=${current%:*}: ;; esac ;;
	esac
	case $COMP_WORDBREAKS in
	*=*) case $current in --*=*) colons=${current%%=*}= ;; esac ;;
	esac

	COMPREPLY=()
	while IFS= read -r candidate; do
		candidate=${candidate%%$'\t'*}
		COMPREPLY+=("${candidate#"$colons"}")
		case $candidate in
		*/) compopt -o nospace 2>/dev/null ;;
		esac
	done < <("${COMP_WORDS[0]}" --complete "${words[@]}" 2>/dev/null)
}

complete -o default -o bashdefault -F _drydock drydock
