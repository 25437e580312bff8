import { createRateMeter, renderProgress, stageName, waitOf } from './progress-bar.ts';
import type { Task } from './task-queries.ts';
import type { Terminal } from './terminal.ts';

export interface ProgressDisplay {
  update(task: Task): void;
  /** A line of text above the progress. */
  say(line: string): void;
  /** Leaves the last state on the screen, and gives the cursor back. */
  finish(): void;
}

const redrawMs = 100;
const clearLine = '\r\u001b[2K';
const hideCursor = '\u001b[?25l';
const showCursor = '\u001b[?25h';

/** A line that is drawn again and again on a terminal; elsewhere one line for each new stage. */
export function showProgress(terminal: Terminal): ProgressDisplay {
  return terminal.isLive ? liveDisplay(terminal) : plainDisplay(terminal);
}

function liveDisplay(terminal: Terminal): ProgressDisplay {
  let task: Task | undefined;
  let isDrawn = false;
  let bytesPerSecond: number | undefined;
  const meter = createRateMeter();
  const draw = (): void => {
    if (task === undefined) return;
    const { progress, createdAt } = task;
    const elapsedMs = Date.now() - Date.parse(createdAt);
    // the last column stays free: some terminals break the line when it is written
    const line = renderProgress({ progress, bytesPerSecond, elapsedMs }, terminal.columns() - 1);
    terminal.draw(`${isDrawn ? '' : hideCursor}${clearLine}${line}`);
    isDrawn = true;
  };
  const restoreCursor = (): void => terminal.draw(showCursor);
  process.on('exit', restoreCursor);
  const timer = setInterval(draw, redrawMs);
  return {
    update(latest) {
      task = latest;
      const { bytesDone, bytesReused, bytesTotal } = latest.progress;
      if (bytesTotal !== null) bytesPerSecond = meter.add(bytesDone - bytesReused, performance.now());
    },
    say(line) {
      if (isDrawn) terminal.draw(clearLine);
      terminal.note(line);
      if (isDrawn) draw();
    },
    finish() {
      clearInterval(timer);
      draw();
      process.off('exit', restoreCursor);
      if (isDrawn) terminal.draw(`${showCursor}\n`);
    },
  };
}

/** The start of every task, and its end, which the result tells. */
const unsaid: ReadonlySet<string> = new Set(['PREPARING', 'FINISHED']);

function plainDisplay(terminal: Terminal): ProgressDisplay {
  let stage: string | undefined;
  let wait: string | undefined;
  return {
    update({ progress }) {
      const waiting = waitOf(progress);
      if (waiting !== undefined && waiting !== wait) terminal.note(`The sync ${waiting} …`);
      wait = waiting;
      if (progress.stage === stage || unsaid.has(progress.stage)) return;
      stage = progress.stage;
      terminal.note(`${stageName(stage)} …`);
    },
    say: (line) => terminal.note(line),
    finish: () => undefined,
  };
}
