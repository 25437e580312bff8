import { loadConfig } from '../config.ts';
import { isTidemarkError } from '../oci/error.ts';
import { readVersion } from '../processes/program-version.ts';
import { jsonFormat } from './commands/print.ts';
import { catchInterrupts, InterruptedError } from './progress/interrupt.ts';
import type { Interrupt } from './progress/interrupt.ts';
import { parseArguments } from './parse-arguments.ts';
import type { CommandPlan } from './command.ts';
import type { Surroundings } from './surroundings.ts';
import { exitCodes } from './exit-codes.ts';
import { flushTerminal, openTerminal } from './progress/terminal.ts';
import type { Terminal } from './progress/terminal.ts';

/** The program: does what the arguments say, and ends the process with its exit code (exit-codes.ts), or 130 after Ctrl-C. */
export async function runCli(argv: readonly string[]): Promise<void> {
  exitQuietlyOnClosedPipe();
  const plan = parseArguments(argv, readVersion());
  const json = plan.command === 'run' ? plan.json : argv.includes('--json');
  const terminal = openTerminal({ isQuiet: json });
  const interrupt = catchInterrupts();
  let exitCode: number;
  try {
    exitCode =
      plan.command === 'show'
        ? show(plan, { terminal, json })
        : await plan.run(surroundings({ terminal, interrupt }));
  } catch (error) {
    exitCode = reportFailure(error, { terminal, json, interrupt });
  }
  await flushTerminal();
  process.exit(exitCode);
}

/** Settings are read only where a command needs them. */
function surroundings(common: Omit<Surroundings, 'config'>): Surroundings {
  return {
    ...common,
    get config() {
      return loadConfig(process.env);
    },
  };
}

/** `tidemark tasks | head` closes the pipe before we are done: that is no fault of anybody's. */
function exitQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
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
