import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Which files below `folder` hold each of the texts, whatever they are: a Map from the text to paths. Reads a chunk at a time. */
export async function findBytes(folder, texts) {
  const found = new Map(texts.map((text) => [text, []]));
  const needles = texts.map((text) => Buffer.from(text));
  const overlap = Math.max(...needles.map((needle) => needle.length)) - 1;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((candidate) => candidate.isFile())) {
    const path = join(entry.parentPath, entry.name);
    let before = Buffer.alloc(0);
    for await (const chunk of createReadStream(path, { highWaterMark: 4 * 1024 * 1024 })) {
      const bytes = Buffer.concat([before, chunk]);
      for (const [index, needle] of needles.entries()) {
        const paths = found.get(texts[index]);
        if (paths.at(-1) !== path && bytes.includes(needle)) paths.push(path);
      }
      before = bytes.subarray(Math.max(0, bytes.length - overlap));
    }
  }
  return found;
}
