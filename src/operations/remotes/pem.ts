import { X509Certificate, createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { invalid } from '../mistakes.ts';
import type { Checked } from '../mistakes.ts';

/** Stands for a key that is stored and not given again. */
export const storedKey = Symbol('stored');

const pemMaxLength = 256 * 1024;
const certificatePattern = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----/g;

/** One certificate or several. Nothing of what was received is repeated: it may be a key by mistake (fault 55). */
export function checkCertificates(field: string, pem: string): Checked {
  const parsed = readCertificates(pem);
  return typeof parsed === 'string' ? invalid(field, `${field} ${parsed}`) : undefined;
}

/**
 * A client certificate and its key, where both are known.
 * @param key `storedKey`: one is stored and not given again. Null: none.
 */
export function checkClientPair(
  certificate: string | null,
  key: string | typeof storedKey | null,
): Checked[] {
  if (certificate === null && key !== null)
    return [
      invalid(
        'sslClientCertificate',
        'There is an sslClientKey and no sslClientCertificate; give the certificate too, or clear the key.',
      ),
    ];
  if (certificate !== null && key === null)
    return [
      invalid(
        'sslClientKey',
        'There is an sslClientCertificate and no sslClientKey; give the key too, or clear the certificate.',
      ),
    ];
  const certificates = certificate === null ? undefined : readCertificates(certificate);
  if (key === null || key === storedKey) return [];
  const privateKey = readPrivateKey(key);
  if (typeof privateKey === 'string') return [invalid('sslClientKey', `sslClientKey ${privateKey}`)];
  const first = Array.isArray(certificates) ? certificates[0] : undefined;
  if (first === undefined || first.checkPrivateKey(privateKey)) return [];
  return [
    invalid(
      'sslClientKey',
      'sslClientKey does not match the first certificate in sslClientCertificate; give the key of that certificate.',
    ),
  ];
}

/** Whether a stored key fits a certificate that takes the other's place. */
export function keyFits(certificate: string, key: string): boolean {
  const certificates = readCertificates(certificate);
  const privateKey = readPrivateKey(key);
  if (typeof certificates === 'string' || typeof privateKey === 'string') return false;
  return certificates[0]?.checkPrivateKey(privateKey) ?? false;
}

/** The certificates, or what is wrong. */
function readCertificates(pem: string): X509Certificate[] | string {
  if (pem.length > pemMaxLength) return `has ${pem.length} characters; at most ${pemMaxLength} are accepted.`;
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem))
    return 'has a private key in it; expected certificates only (PEM). Give the key as sslClientKey.';
  const blocks = pem.match(certificatePattern) ?? [];
  const begins = pem.split('-----BEGIN ').length - 1;
  if (blocks.length === 0 || begins !== blocks.length)
    return 'is not PEM; expected blocks of -----BEGIN CERTIFICATE----- … -----END CERTIFICATE-----.';
  const certificates: X509Certificate[] = [];
  for (const [index, block] of blocks.entries())
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      return `cannot be read: its certificate ${index + 1} of ${blocks.length} is damaged. Copy it again from its source.`;
    }
  return certificates;
}

/** The key, or what is wrong. */
function readPrivateKey(pem: string): KeyObject | string {
  if (pem.length > pemMaxLength) return `has ${pem.length} characters; at most ${pemMaxLength} are accepted.`;
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: *4, *ENCRYPTED/m.test(pem))
    return 'is encrypted with a passphrase; expected a plain key (it is stored encrypted here): openssl pkey -in key.pem -out plain.pem';
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem))
    return 'is not PEM; expected a block of -----BEGIN PRIVATE KEY----- … -----END PRIVATE KEY-----.';
  try {
    return createPrivateKey(pem);
  } catch {
    return 'cannot be read: the key is damaged, or of a kind that is not supported. Copy it again from its source.';
  }
}
