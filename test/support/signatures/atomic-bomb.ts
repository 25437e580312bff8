import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';

/** RFC 9580: packet 8, compressed data, of these packets, with a length of four octets. */
export async function packMessage(packets: Buffer): Promise<Buffer> {
  const packed = await promisify(deflateRaw)(packets);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(packed.length + 1);
  return Buffer.concat([Buffer.from([0xc8, 0xff]), size, Buffer.from([1]), packed]);
}

/** A thousand bytes that unpack to half a million empty packets of a private type: OpenPGP.js takes half a minute for them. */
export function manyPackets(): Promise<Buffer> {
  return packMessage(Buffer.alloc(1_000_000, Buffer.from([0xc0 | 60, 0])));
}
