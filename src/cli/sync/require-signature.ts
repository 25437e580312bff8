import { readFile } from 'node:fs/promises';
import { mutate } from '../api-calls.ts';
import type { Session } from '../session.ts';
import { usage } from '../usage.ts';

/** The key that `--require-signature` names. */
export interface RequiredKeys {
  readonly keys: readonly string[];
  readonly openPgpKeys: readonly string[];
}

const keyMaxBytes = 256 * 1024;

/** Reads cosign's public key, or ASCII-armoured OpenPGP keys. Whether they are any good the server says. @throws TidemarkError `USAGE` */
export async function readRequiredKeys(path: string): Promise<RequiredKeys> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw usage(
      `--require-signature: ${path} cannot be read${code}; expected a file with a public key, as cosign.pub.`,
    );
  }
  if (/-----BEGIN [A-Z ]*PRIVATE KEY/.test(text))
    throw usage(
      `--require-signature: ${path} has a private key in it, which was not sent; give the public one, as cosign.pub.`,
    );
  if (text.length > keyMaxBytes || !text.includes('-----BEGIN '))
    throw usage(
      `--require-signature: ${path} has no public key in it; expected PEM, as cosign.pub has it, or ASCII-armoured OpenPGP.`,
    );
  return text.includes('-----BEGIN PGP ')
    ? { keys: [], openPgpKeys: [text] }
    : { keys: [text], openPgpKeys: [] };
}

const findQuery = 'query ($name: String!) { signaturePolicy(name: $name) { id } }';

/** Makes the policy of the local name trust these keys and nothing else, and answers its id. What is not verified is skipped. */
export async function preparePolicy(session: Session, name: string, keys: RequiredKeys): Promise<string> {
  const found = await session.request<{ signaturePolicy: { readonly id: string } | null }>(findQuery, {
    name,
  });
  const rules = { ...keys, identities: null, trustedRoot: null };
  const selection = { field: 'signaturePolicy', fields: 'id' };
  const { id } =
    found.signaturePolicy === null
      ? await mutate<{ id: string }>(session, 'signaturePolicyCreate', {
          ...selection,
          input: { name, ...rules },
        })
      : await mutate<{ id: string }>(session, 'signaturePolicyUpdate', {
          ...selection,
          input: { id: found.signaturePolicy.id, ...rules },
        });
  return id;
}
