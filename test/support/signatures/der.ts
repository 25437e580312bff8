/** As much of DER (X.690) as a certificate needs, for the certificates of tests. */

const tlv = (tag: number, content: Buffer): Buffer => {
  const size = content.byteLength;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
};

const base128 = (value: number): number[] =>
  value < 128 ? [value] : [...base128(Math.floor(value / 128)).map((byte) => byte | 0x80), value % 128];

/** `tagged(3, …)` is the context-specific, constructed [3]; `implicit` the primitive one. */
export const der = {
  sequence: (...parts: readonly Buffer[]) => tlv(0x30, Buffer.concat(parts)),
  set: (...parts: readonly Buffer[]) => tlv(0x31, Buffer.concat(parts)),
  integer: (value: number) => tlv(0x02, Buffer.from([value])),
  boolean: (value: boolean) => tlv(0x01, Buffer.from([value ? 0xff : 0])),
  octets: (bytes: Buffer) => tlv(0x04, bytes),
  bits: (bytes: Buffer) => tlv(0x03, Buffer.concat([Buffer.from([0]), bytes])),
  utf8: (text: string) => tlv(0x0c, Buffer.from(text)),
  time: (date: Date) => {
    const text = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
    return tlv(0x17, Buffer.from(text.slice(2)));
  },
  tagged: (tag: number, ...parts: readonly Buffer[]) => tlv(0xa0 | tag, Buffer.concat(parts)),
  implicit: (tag: number, bytes: Buffer) => tlv(0x80 | tag, bytes),
  oid: (dotted: string) => {
    const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
    return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
  },
};
