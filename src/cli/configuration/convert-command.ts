import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Conversion } from '../../estate/convert/convert.ts';
import { describeFinding } from '../../estate/convert/findings.ts';
import type { FindingKind } from '../../estate/convert/findings.ts';
import { sourceBytesAtMost, sourceFormats } from '../../estate/convert/source-formats.ts';
import type { SourceFormat } from '../../estate/convert/source-formats.ts';
import { countOf } from '../../oci/count-of.ts';
import { addCommand } from '../command.ts';
import type { Choose } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Surroundings } from '../surroundings.ts';
import { usage } from '../usage.ts';
import { printJson } from '../commands/print.ts';

interface Options {
  readonly from?: SourceFormat;
  readonly name?: string;
  readonly output?: string;
  readonly strict?: boolean;
  readonly json?: boolean;
}

interface Request extends Options {
  readonly path: string;
}

const examples = `
Reads regsync.yml, the file of "skopeo sync --src yaml", an ImageSetConfiguration of oc-mirror, and manifests of hauler. What has no
equivalent is listed on standard error with its position (docs/convert.md). No server is needed.

Examples:
  $ tidemark convert regsync.yml > tidemark.yaml
  $ tidemark convert imageset-config.yaml --output tidemark.yaml --strict`;

export function addConvert(program: Command, choose: Choose): void {
  addCommand<Options, Request>(program, choose, {
    usage: 'convert <file>',
    text: 'convert the file of another mirror tool to tidemark.yaml',
    setUp: (command) =>
      command
        .addOption(new Option('--from <format>', 'its format (default: recognized)').choices(sourceFormats))
        .option('--name <name>', 'the name of the configuration (default: that of the file)')
        .option('-o, --output <path>', 'file to write in place of standard output')
        .option('--strict', 'end with exit code 1 if anything was left out or differs')
        .option('--json', 'write one JSON object to standard output, and nothing else')
        .addHelpText('after', examples),
    read: ([path = ''], options) => ({ ...options, path }),
    run: convert,
  });
}

async function convert({ terminal }: Surroundings, request: Request): Promise<number> {
  const { path, from, output, strict = false, json = false } = request;
  const file = basename(path);
  const text = await readSource(path);
  const { convertFile } = await import('../../estate/convert/convert.ts');
  const conversion = convertFile({
    text,
    file: path,
    format: from,
    name: request.name ?? file.replace(/\.ya?ml$/i, ''),
  });
  if (output !== undefined) await write(output, conversion.estate);
  if (json) {
    const { format: source, findings, repositories, estate } = conversion;
    printJson({ terminal }, { source, repositories, estate, findings });
  } else {
    if (output === undefined) terminal.print(conversion.estate.trimEnd());
    for (const finding of conversion.findings) terminal.note(describeFinding(path, finding));
    terminal.note(summarize(conversion));
  }
  const isComplete = conversion.findings.every(({ kind }) => kind === 'TO_DO');
  return strict && !isComplete ? exitCodes.failed : exitCodes.done;
}

function summarize({ format, repositories, findings }: Conversion): string {
  const count = (kind: FindingKind): number => findings.filter((one) => one.kind === kind).length;
  return `${countOf(repositories, 'repository')} from ${format}: ${count('LEFT_OUT')} left out, ${count('DIFFERS')} different, ${count('TO_DO')} to do.`;
}

async function readSource(path: string): Promise<string> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const piece of createReadStream(path)) {
      const bytes = piece as Buffer;
      pieces.push(bytes);
      sizeBytes += bytes.length;
      if (sizeBytes > sourceBytesAtMost) break;
    }
  } catch (error) {
    throw usage(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  if (sizeBytes > sourceBytesAtMost)
    throw usage(`${path} has more than ${sourceBytesAtMost} bytes, which is the most that is converted.`);
  return Buffer.concat(pieces).toString('utf8');
}

async function write(path: string, text: string): Promise<void> {
  await writeFile(path, text).catch((error: unknown) => {
    throw usage(
      `--output ${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  });
}
