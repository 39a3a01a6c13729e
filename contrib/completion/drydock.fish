# Completion of drydock(1) for fish. The tool itself knows commands, options, repositories and tags.

function __drydock_complete
	set -l words (commandline -opc)
	set -l program $words[1]
	set -e words[1]
	set -l found ($program --complete $words (commandline -ct) 2>/dev/null)
	if test (count $found) -gt 0
		printf '%s\n' $found
	else
		__fish_complete_path (commandline -ct)
	end
end

complete -c drydock -f -a '(__drydock_complete)'
