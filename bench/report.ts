/** bench/RESULTS.md: what was measured, on what, and which goals hold. */
import { cpus, release, totalmem } from 'node:os';

export interface Section {
  readonly title: string;
  readonly text?: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Lines below the table. */
  readonly notes?: readonly string[];
}

export interface Goal {
  readonly work: string;
  readonly goal: string;
  readonly measured: string;
  readonly isMet: boolean;
}

/** What one part of the bench has found. */
export interface Findings {
  readonly sections: readonly Section[];
  readonly goals: readonly Goal[];
}

export function joinFindings(found: readonly Findings[]): Findings {
  return {
    sections: found.flatMap(({ sections }) => sections),
    goals: found.flatMap(({ goals }) => goals),
  };
}

export interface Circumstances {
  readonly command: string;
  readonly versions: readonly string[];
  readonly minutes: number;
}

export function formatReport(findings: readonly Findings[], circumstances: Circumstances): string {
  const goals = findings.flatMap((found) => found.goals);
  const summary: Section = {
    title: 'Goals',
    columns: ['work', 'goal', 'measured', ''],
    rows: goals.map(({ work, goal, measured, isMet }) => [
      work,
      goal,
      measured,
      isMet ? 'met' : '**missed**',
    ]),
  };
  const sections = [summary, ...findings.flatMap((found) => found.sections)];
  const [cpu] = cpus();
  const head = [
    '# What the bench measured',
    '',
    `Written by \`${circumstances.command}\` on ${new Date().toISOString().slice(0, 10)}, in ${circumstances.minutes.toFixed(0)} minutes. ` +
      'What was tried, and why goals are missed: [NOTES.md](NOTES.md).',
    '',
    `- Machine: ${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux ${release()}; everything on one machine, over loopback or a proxy that stands for a line.`,
    `- Versions: Node ${process.versions.node}, ${circumstances.versions.join(', ')}.`,
    '- Figures are medians (least–most) of interleaved rounds: each tool in turn, the same upstream, a fresh target. Seconds are wall time.',
    '- Tidemark is the whole embedded stack, warm: started on an empty data folder, then synced another repository twice. Its time runs from the',
    '  mutation sent to the task seen COMPLETED; its processor time is that of all its processes, PostgreSQL and Temporal included. A peer is its whole command.',
    '- The warm-up goes over loopback, whatever the row: no row starts with a connection to its upstream. Between a first sync and the next one the peers have their turn.',
    '- Peak: of Tidemark, the process that is API and worker (VmHWM) and, behind the slash, all processes of the stack together; of a peer, its process.',
  ];
  return `${[...head, ...sections.map(formatSection)].join('\n')}\n`;
}

export function formatSection({ title, text, columns, rows, notes = [] }: Section): string {
  return [
    '',
    `## ${title}`,
    '',
    ...(text === undefined ? [] : [text, '']),
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map(line),
    ...(notes.length > 0 ? ['', ...notes] : []),
  ].join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
