import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const chunkBytes = 4 * 1024 * 1024;

/** Which files below `folder` hold each of the texts, whatever they are: a Map from the text to paths. Reads a chunk at a time. */
export async function findBytes(folder, texts) {
  const found = new Map(texts.map((text) => [text, []]));
  const needles = texts.map((text) => Buffer.from(text));
  const overlap = Math.max(...needles.map((needle) => needle.length)) - 1;
  // one for all files: most are small, and a buffer each costs more than the search
  const buffer = Buffer.allocUnsafe(overlap + chunkBytes);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((candidate) => candidate.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const file = await open(path);
    try {
      for (let kept = 0; ;) {
        const { bytesRead } = await file.read(buffer, kept, chunkBytes);
        if (bytesRead === 0) break;
        const bytes = buffer.subarray(0, kept + bytesRead);
        for (const [index, needle] of needles.entries()) {
          const paths = found.get(texts[index]);
          if (paths.at(-1) !== path && bytes.includes(needle)) paths.push(path);
        }
        kept = Math.min(overlap, bytes.length);
        bytes.copy(buffer, 0, bytes.length - kept);
      }
    } finally {
      await file.close();
    }
  }
  return found;
}
