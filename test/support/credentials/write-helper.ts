import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface WrittenHelper {
  /** What each run got, as `<argument> <standard input>`. */
  runs(): Promise<string[]>;
}

/** A program docker-credential-<name> that answers this; undefined: that it has no login. */
export async function writeHelper(
  folder: string,
  name: string,
  answer: object | undefined,
): Promise<WrittenHelper> {
  const text =
    answer === undefined
      ? "echo 'credentials not found in native keychain'; exit 1"
      : `cat <<'END'\n${JSON.stringify(answer)}\nEND`;
  return writeHelperScript(folder, name, text);
}

/** The same of a shell script, which finds the server in `$server`. */
export async function writeHelperScript(
  folder: string,
  name: string,
  script: string,
): Promise<WrittenHelper> {
  const path = join(folder, `docker-credential-${name}`);
  const log = `${path}.log`;
  await writeFile(path, `#!/bin/sh\nread server\necho "$1 $server" >> '${log}'\n${script}\n`);
  await chmod(path, 0o755);
  return {
    async runs() {
      const text = await readFile(log, 'utf8').catch(() => '');
      return text.split('\n').filter((line) => line !== '');
    },
  };
}
