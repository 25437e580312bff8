import { readFileSync } from 'node:fs';
import { loadConfig } from '../config.ts';
import type { Config } from '../config.ts';
import { isTidemarkError } from '../oci/error.ts';
import { jsonFormat } from './commands/print.ts';
import { catchInterrupts, InterruptedError } from './progress/interrupt.ts';
import type { Interrupt } from './progress/interrupt.ts';
import { parseArguments } from './parse-arguments.ts';
import type { ClientPlan } from './client-command.ts';
import type { ClientOptions } from './client-options.ts';
import { exitCodes } from './exit-codes.ts';
import type { CommandPlan } from './parse-arguments.ts';
import { flushTerminal, openTerminal } from './progress/terminal.ts';
import type { Terminal } from './progress/terminal.ts';

/** The program: does what the arguments say, and ends the process with its exit code (exit-codes.ts), or 130 after Ctrl-C. */
export async function runCli(argv: readonly string[]): Promise<void> {
  exitQuietlyOnClosedPipe();
  const plan = parseArguments(argv, readVersion());
  const json = 'json' in plan ? plan.json : plan.command === 'show' && argv.includes('--json');
  const terminal = openTerminal({ isQuiet: json });
  const interrupt = catchInterrupts();
  let exitCode: number;
  try {
    exitCode =
      plan.command === 'show'
        ? show(plan, { terminal, json })
        : await runCommand(plan, { terminal, interrupt });
  } catch (error) {
    exitCode = reportFailure(error, { terminal, json, interrupt });
  }
  await flushTerminal();
  process.exit(exitCode);
}

/** `tidemark tasks | head` closes the pipe before we are done: that is no fault of anybody's. */
function exitQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

interface Output {
  readonly terminal: Terminal;
  readonly json: boolean;
}

function show(
  { text, isMistake }: Extract<CommandPlan, { command: 'show' }>,
  { terminal, json }: Output,
): number {
  if (isMistake && json)
    terminal.print(JSON.stringify({ format: jsonFormat, error: { code: 'USAGE', message: text } }));
  else if (isMistake) terminal.note(text);
  else terminal.print(text);
  return isMistake ? exitCodes.usage : exitCodes.done;
}

interface Surroundings {
  readonly terminal: Terminal;
  readonly interrupt: Interrupt;
}

type RunnablePlan = Exclude<CommandPlan, { command: 'show' }>;

async function runCommand(plan: RunnablePlan, { terminal, interrupt }: Surroundings): Promise<number> {
  if (plan.command === 'schema') {
    const { schemaCommand } = await import('./server-commands.ts');
    return schemaCommand(plan.write, terminal);
  }
  const common = { config: loadConfig(process.env), terminal, interrupt };
  switch (plan.command) {
    case 'start':
      return (await import('./server-commands.ts')).startCommand(common);
    case 'roles':
      return (await import('./server-commands.ts')).rolesCommand({ ...common, ...plan });
    case 'migrate':
      return (await import('./server-commands.ts')).migrateCommand(common);
    case 'demo':
      return (await import('./demo-command.ts')).demoCommand({ ...common, keep: plan.keep });
    case 'token': {
      const { tokenCommand } = await import('./token-command.ts');
      return tokenCommand({ ...common, request: plan.request, signal: interrupt.signal });
    }
    case 'sync': {
      const [{ readPassword }, { syncCommand }] = await Promise.all([
        import('./read-password.ts'),
        import('./sync/sync-command.ts'),
      ]);
      const password = plan.passwordStdin ? await readPassword(interrupt.signal) : undefined;
      const requiredKeys =
        plan.keyFile === undefined
          ? undefined
          : await (await import('./sync/require-signature.ts')).readRequiredKeys(plan.keyFile);
      const request = { ...plan.request, password, requiredKeys };
      return syncCommand({
        ...common,
        request,
        json: plan.json,
        serverUrl: plan.server ?? common.config.serverUrl,
        token: await chooseToken(plan, common.config),
      });
    }
    case 'client':
      return runClient(plan, common);
  }
}

/** What to log in with: the file that was named, else `TIDEMARK_TOKEN`. */
async function chooseToken({ tokenFile }: ClientOptions, config: Config): Promise<string | undefined> {
  if (tokenFile === undefined) return config.token;
  return (await import('./token-command.ts')).readTokenFile(tokenFile);
}

async function runClient(
  plan: ClientPlan,
  { config, terminal, interrupt }: Surroundings & { readonly config: Config },
): Promise<number> {
  const { openSession } = await import('./session.ts');
  const session = await openSession({
    config,
    serverUrl: plan.server ?? config.serverUrl,
    token: await chooseToken(plan, config),
    mayStart: !plan.reads,
    note: terminal.note,
    signal: interrupt.signal,
  });
  try {
    return await plan.run({ session, terminal, json: plan.json, interrupt, config });
  } finally {
    await session.close();
  }
}

/** One readable paragraph; a stack trace only where LOG_LEVEL asks for one. */
function reportFailure(
  error: unknown,
  { terminal, json, interrupt }: Output & { interrupt: Interrupt },
): number {
  const isInterrupt = error instanceof InterruptedError || (interrupt.signal.aborted && isAbort(error));
  const code = isTidemarkError(error) ? error.code : isInterrupt ? 'CANCELED' : 'INTERNAL_ERROR';
  const message = isInterrupt ? 'Stopped.' : error instanceof Error ? error.message : String(error);
  if (json)
    terminal.print(
      JSON.stringify({
        format: jsonFormat,
        task: null,
        repository: null,
        version: null,
        error: { code, message },
      }),
    );
  else if (isInterrupt) terminal.note(message);
  else terminal.note(`${code}: ${message}`);
  if (
    ['debug', 'trace'].includes((process.env['LOG_LEVEL'] ?? '').trim().toLowerCase()) &&
    error instanceof Error
  )
    terminal.note(error.stack ?? '');
  if (isInterrupt) return interrupt.exitCode();
  return code === 'USAGE' ? exitCodes.usage : exitCodes.failed;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.cause instanceof InterruptedError);
}
