import { Argument } from 'commander';
import type { Command } from 'commander';
import type { Choose } from '../command.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

interface Word {
  /** The words before it: `repository show`. */
  readonly path: string;
  readonly words: readonly string[];
}

export function addCompletion(program: Command, choose: Choose): void {
  program
    .command('completion')
    .description('print the script that completes commands in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .addHelpText('after', '\nExample:\n  $ source <(tidemark completion bash)')
    .action((shell: Shell) =>
      choose({ command: 'show', text: completionScript(program, shell), isMistake: false }),
    );
}

/** The script that completes commands and options in a shell, made from the commands as they are registered. */
function completionScript(program: Command, shell: Shell): string {
  const entries = collect(program, '');
  switch (shell) {
    case 'bash':
      return bash(entries);
    case 'zsh':
      return `#compdef tidemark\nautoload -U +X bashcompinit && bashcompinit\n${bash(entries)}`;
    case 'fish':
      return fish(entries);
  }
}

function collect(command: Command, path: string): Word[] {
  const visible = command.commands.filter((one) => one.name() !== 'help');
  const options = command.options.filter((option) => !option.hidden).flatMap(({ long }) => long ?? []);
  const own = { path, words: [...visible.map((one) => one.name()), ...options, '--help'] };
  return [own, ...visible.flatMap((one) => collect(one, path === '' ? one.name() : `${path} ${one.name()}`))];
}

function bash(entries: readonly Word[]): string {
  const cases = entries.map(({ path, words }) => `    "${path}") words="${words.join(' ')}" ;;`).join('\n');
  return `_tidemark() {
  local word path="" words="" current="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " ${entries.map(({ path }) => path.replaceAll(' ', '_')).join(' ')} " in
      *" \${path:+\${path// /_}_}$word "*) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _tidemark tidemark`;
}

function fish(entries: readonly Word[]): string {
  const lines = entries.flatMap(({ path, words }) =>
    words.map((word) => {
      const condition =
        path === ''
          ? '__fish_use_subcommand'
          : path
              .split(' ')
              .map((part) => `__fish_seen_subcommand_from ${part}`)
              .join('; and ');
      return word.startsWith('--')
        ? `complete -c tidemark -n '${condition}' -l ${word.slice(2)}`
        : `complete -c tidemark -f -n '${condition}' -a ${word}`;
    }),
  );
  return lines.join('\n');
}
