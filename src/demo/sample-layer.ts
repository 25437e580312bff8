import { createCipheriv, createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { digestBytes } from '../oci/digest-bytes.ts';
import type { Digest } from '../oci/digest.ts';

/** A layer, and the digest of its tar for image configs (image-spec config.md, `diff_ids`). */
export interface SampleLayer {
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly diffId: Digest;
}

/** Incompressible bytes from a seed: the key stream of AES-128-CTR. */
export function seededBytes(seed: string, sizeBytes: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16));
  return cipher.update(Buffer.alloc(sizeBytes));
}

/**
 * A gzipped tar with the file `sample/<seed>.bin` of `sizeBytes` seeded bytes. The gzip has stored blocks, so it is the same on every machine:
 * versions of zlib differ in their output.
 */
export function buildLayer(seed: string, sizeBytes: number): SampleLayer {
  const tar = tarOneFile(
    `sample/${seed.replaceAll(/[^A-Za-z0-9._-]/g, '-')}.bin`,
    seededBytes(seed, sizeBytes),
  );
  const bytes = gzipStored(tar);
  return { bytes, digest: digestBytes(bytes), diffId: digestBytes(tar) };
}

const tarBlockBytes = 512;

/** POSIX ustar (pax, "ustar Interchange Format"), dated 1970. */
function tarOneFile(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(tarBlockBytes);
  header.write(name.slice(-99), 0, 'latin1');
  header.write(octal(0o644, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(content.length, 11), 124);
  header.write(octal(0, 11), 136);
  header.write(' '.repeat(8), 148);
  header.write('0', 156);
  header.write('ustar\u000000', 257);
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${octal(checksum, 6)} `, 148);
  const padding = (tarBlockBytes - (content.length % tarBlockBytes)) % tarBlockBytes;
  return Buffer.concat([header, content, Buffer.alloc(padding + 2 * tarBlockBytes)]);
}

function octal(value: number, digits: number): string {
  return `${value.toString(8).padStart(digits, '0')}\0`;
}

const storedBlockMaxBytes = 0xffff;

/** gzip (RFC 1952) of stored deflate blocks (RFC 1951 section 3.2.4). */
function gzipStored(content: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])];
  for (let at = 0; at === 0 || at < content.length; at += storedBlockMaxBytes) {
    const block = content.subarray(at, at + storedBlockMaxBytes);
    const head = Buffer.alloc(5);
    head.writeUInt8(at + storedBlockMaxBytes >= content.length ? 1 : 0, 0);
    head.writeUInt16LE(block.length, 1);
    head.writeUInt16LE(block.length ^ 0xffff, 3);
    parts.push(head, block);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(content), 0);
  trailer.writeUInt32LE(content.length % 2 ** 32, 4);
  return Buffer.concat([...parts, trailer]);
}
