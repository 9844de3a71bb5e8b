/** `ztun completion SHELL`: a script for the shell, which asks `ztun __complete` for everything. */

import { nearest } from "../../config/nearest.ts";
import { quote } from "../../config/quote.ts";
import { Exit } from "../../errors.ts";
import type { Command, CommandInput } from "../command.ts";
import { usageError } from "../parse_command_line.ts";

// `=` parts words in bash: only what is behind it is replaced there.
const bash = `_ztun() {
  local line words current prefix=""
  read -ra words <<< "\${COMP_LINE:0:COMP_POINT}"
  [[ "\${COMP_LINE:0:COMP_POINT}" == *[[:space:]] ]] && words+=("")
  current=\${words[-1]}
  [[ $current == *=* && $COMP_WORDBREAKS == *=* ]] && prefix=\${current%"\${current##*=}"}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "\${current#*=}") ;;
      :command) mapfile -t COMPREPLY < <(compgen -c -f -- "$current") ;;
      *) line=\${line%%$'\\t'*}; COMPREPLY+=("\${line#"$prefix"}") ;;
    esac
  done < <("\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null)
}
complete -F _ztun ztun
`;

const zsh = `#compdef ztun
_ztun() {
  local line
  local -a candidates
  for line in "\${(@f)$("$words[1]" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      :files) compset -P '--*='; _files; return ;;
      :command) _alternative 'commands:command:_command_names -e' 'files:file:_files'; return ;;
      ?*) candidates+=("\${line/$'\\t'/:}") ;;
    esac
  done
  _describe ztun candidates
}
compdef _ztun ztun
`;

const fish = `function __ztun_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l parts (string match -r -- '^(--[^=]*=|)(.*)$' $words[-1])
  for line in ($words[1] __complete $words[2..] 2>/dev/null)
    switch $line
      case :files
        string replace -r '^' -- $parts[2] (__fish_complete_path $parts[3])
      case :command
        __fish_complete_command
        __fish_complete_path $words[-1]
      case '*'
        echo $line
    end
  end
end
complete -c ztun -f -a '(__ztun_complete)'
`;

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };

export const command: Command = {
  name: "completion",
  summary: "Print the script that completes ztun's command line in a shell",
  usage: ["completion {bash | zsh | fish}"],
  settings: [],
  flags: [],
  positionals: [{
    name: "SHELL",
    meaning: "bash, zsh or fish",
    required: true,
    choices: () => Object.keys(scripts),
  }],
  examples: [
    { command: "source <(ztun completion bash)", meaning: "In ~/.bashrc, or ~/.zshrc with zsh" },
    { command: "ztun completion fish > ~/.config/fish/completions/ztun.fish", meaning: "In fish" },
  ],
  run,
};

function run({ environment, positionals: [shell = ""] }: CommandInput): Promise<number> {
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script === undefined) {
    const meant = nearest(shell, Object.keys(scripts));
    const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
    throw usageError(`Unknown shell ${quote(shell)}${hint}`, "`ztun completion bash`, zsh or fish");
  }
  environment.out(script);
  return Promise.resolve(Exit.Ok);
}
