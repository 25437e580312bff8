/** The program in processes of its own, from dist/ (`npm test` builds it first), to be killed. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mallocSettings, v8Flags } from '../../../src/cli/begin-anew.ts';
import { createGraphqlClient } from '../api/graphql-client.ts';
import type { GraphqlClient } from '../api/graphql-client.ts';
import { projectRoot } from '../import-graph.ts';
import { expectNoSecret } from '../test-secret.ts';
import { until } from '../until.ts';

const main = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
/** As `npm start` has it (scripts/run.mjs). */
const compileCache = join(projectRoot, 'node_modules', '.cache', 'node-compile');

export interface Program extends GraphqlClient {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Both outputs so far. */
  output(): string;
  stdout(): string;
  stderr(): string;
  /** Where its API listens, once it has said so; GraphQL requests go there. */
  apiUrl(): string;
  /** Waits until the output holds the text. @throws when the program ends before. */
  says(text: string): Promise<void>;
  /** Sends the signal and waits for the end; answers the exit code, null where a signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** Waits for the end. @throws where a test's secret is in the output. */
  ended(): Promise<number | null>;
}

/**
 * Starts `tidemark <args>` with exactly these settings. `node` is the command line before the program. It is told at once what it would begin
 * anew with (src/cli/begin-anew.ts), which is a start of Node less; test/cli/begin-anew.test.ts has the other way.
 */
export function launch(
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
  node: readonly string[] = [process.execPath],
): Program {
  if (!existsSync(main)) throw new Error('dist/main.js is not there: run npm run build');
  const { PATH = '', HOME = '', TIDEMARK_CACHE = '', XDG_CACHE_HOME = '' } = process.env;
  const [command = '', ...nodeArgs] = node;
  const child = spawn(command, [...nodeArgs, ...v8Flags, main, ...args], {
    env: {
      PATH,
      HOME,
      TIDEMARK_CACHE,
      XDG_CACHE_HOME,
      NODE_COMPILE_CACHE: compileCache,
      ...mallocSettings,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const outputs = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output += text;
      outputs[name] += text;
    });
  const closed = once(child, 'close');
  // a test that ran out of time never comes to its own end
  const killLeftover = (): void => void child.kill('SIGKILL');
  process.once('exit', killLeftover);
  child.once('exit', () => process.off('exit', killLeftover));
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  const program: Program = {
    ...createGraphqlClient(() => program.apiUrl()),
    pid: child.pid ?? 0,
    child,
    output: () => output,
    stdout: () => outputs.stdout,
    stderr: () => outputs.stderr,
    apiUrl: () => /(?:API ready on|GraphQL)\s+(http:\/\/[\w.:]+)/.exec(output)?.[1] ?? 'no URL',
    says: (text) =>
      until(() => {
        if (output.includes(text)) return true;
        if (isOver())
          throw new Error(`tidemark ${args.join(' ')} ended without saying "${text}":\n${output}`);
        return false;
      }),
    async end(signal) {
      if (!isOver()) child.kill(signal);
      return program.ended();
    },
    async ended() {
      await closed;
      expectNoSecret(output, `the output of tidemark ${args.join(' ')}`);
      return child.exitCode;
    },
  };
  return program;
}
