import { readFileSync } from 'node:fs';
import { loadConfig } from '../config.ts';
import type { Config } from '../config.ts';
import { isTidemarkError } from '../oci/error.ts';
import { catchInterrupts, InterruptedError } from './interrupt.ts';
import type { Interrupt } from './interrupt.ts';
import { parseArguments } from './parse-arguments.ts';
import type { ClientOptions } from './client-options.ts';
import type { CommandPlan } from './parse-arguments.ts';
import { flushTerminal, openTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** The program: does what the arguments say, and ends the process with 0, 1, or 130 after Ctrl-C. */
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
  if (isMistake && json) terminal.print(JSON.stringify({ error: { code: 'USAGE', message: text } }));
  else if (isMistake) terminal.note(text);
  else terminal.print(text);
  return isMistake ? 1 : 0;
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
      const { readPassword, syncCommand } = await import('./sync-command.ts');
      const password = plan.passwordStdin ? await readPassword(interrupt.signal) : undefined;
      const requiredKeys =
        plan.keyFile === undefined
          ? undefined
          : await (await import('./require-signature.ts')).readRequiredKeys(plan.keyFile);
      const request = { ...plan.request, password, requiredKeys };
      return syncCommand({
        ...common,
        request,
        json: plan.json,
        serverUrl: plan.server ?? common.config.serverUrl,
        token: await chooseToken(plan, common.config),
      });
    }
    case 'repositories':
    case 'versions':
    case 'tasks':
    case 'cancel':
    case 'schedule':
    case 'gc':
    case 'verify':
    case 'rotate-key':
      return runList(plan, common);
  }
}

/** What to log in with: the file that was named, else `TIDEMARK_TOKEN`. */
async function chooseToken({ tokenFile }: ClientOptions, config: Config): Promise<string | undefined> {
  if (tokenFile === undefined) return config.token;
  return (await import('./token-command.ts')).readTokenFile(tokenFile);
}

type ListPlan = Extract<
  RunnablePlan,
  { command: 'repositories' | 'versions' | 'tasks' | 'cancel' | 'schedule' | 'gc' | 'verify' | 'rotate-key' }
>;

/** A list is quick, also where a server is brought up for it. */
function saysNothing(): void {
  // nothing
}

async function runList(
  plan: ListPlan,
  { config, terminal, interrupt }: Surroundings & { readonly config: Config },
): Promise<number> {
  const [{ openSession }, commands, upkeep] = await Promise.all([
    import('./session.ts'),
    import('./list-commands.ts'),
    import('./upkeep-commands.ts'),
  ]);
  const { json } = plan;
  const serverUrl = plan.server ?? config.serverUrl;
  const token = await chooseToken(plan, config);
  const session = await openSession({
    config,
    serverUrl,
    token,
    note: saysNothing,
    signal: interrupt.signal,
  });
  const list = { session, terminal, json };
  try {
    switch (plan.command) {
      case 'repositories':
        return await commands.repositoriesCommand(list, plan.first);
      case 'versions':
        return await commands.versionsCommand(list, plan.repository, plan.first);
      case 'tasks':
        return await commands.tasksCommand(list, plan.first);
      case 'cancel':
        return await commands.cancelCommand(list, plan.taskId);
      case 'schedule':
        return await (await import('./schedule-command.ts')).scheduleCommand(list, plan.verb);
      case 'gc':
        return await upkeep.collectCommand(list, plan.dryRun);
      case 'verify':
        return await upkeep.verifyCommand(list);
      case 'rotate-key':
        return await upkeep.rotateKeyCommand(list);
    }
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
    terminal.print(JSON.stringify({ task: null, repository: null, version: null, error: { code, message } }));
  else if (isInterrupt) terminal.note(message);
  else terminal.note(`${code}: ${message}`);
  if (
    ['debug', 'trace'].includes((process.env['LOG_LEVEL'] ?? '').trim().toLowerCase()) &&
    error instanceof Error
  )
    terminal.note(error.stack ?? '');
  return isInterrupt ? interrupt.exitCode() : 1;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.cause instanceof InterruptedError);
}
