import { readFile } from 'node:fs/promises';
import { TidemarkError } from '../../oci/error.ts';
import { checkUserErrors } from '../graphql-client.ts';
import type { UserError } from '../graphql-client.ts';
import type { Session } from '../session.ts';

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
    throw unusable(
      `--require-signature: ${path} cannot be read${code}; expected a file with a public key, as cosign.pub.`,
    );
  }
  if (/-----BEGIN [A-Z ]*PRIVATE KEY/.test(text))
    throw unusable(
      `--require-signature: ${path} has a private key in it, which was not sent; give the public one, as cosign.pub.`,
    );
  if (text.length > keyMaxBytes || !text.includes('-----BEGIN '))
    throw unusable(
      `--require-signature: ${path} has no public key in it; expected PEM, as cosign.pub has it, or ASCII-armoured OpenPGP.`,
    );
  return text.includes('-----BEGIN PGP ')
    ? { keys: [], openPgpKeys: [text] }
    : { keys: [text], openPgpKeys: [] };
}

function unusable(message: string): TidemarkError {
  return new TidemarkError('USAGE', message, { origin: 'caller' });
}

interface PolicyPayload {
  readonly signaturePolicy: { readonly id: string } | null;
  readonly userErrors: readonly UserError[];
}

const findQuery = 'query ($name: String!) { signaturePolicy(name: $name) { id } }';

function mutation(name: string): string {
  const input = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const fields = 'signaturePolicy { id } userErrors { code field message }';
  return `mutation ($input: ${input}!) { ${name}(input: $input) { ${fields} } }`;
}

/** Makes the policy of the local name trust these keys and nothing else, and answers its id. What is not verified is skipped. */
export async function preparePolicy(session: Session, name: string, keys: RequiredKeys): Promise<string> {
  const found = await session.request<{ signaturePolicy: { readonly id: string } | null }>(findQuery, {
    name,
  });
  const rules = { ...keys, identities: null, trustedRoot: null };
  const input =
    found.signaturePolicy === null ? { name, ...rules } : { id: found.signaturePolicy.id, ...rules };
  const verb = found.signaturePolicy === null ? 'signaturePolicyCreate' : 'signaturePolicyUpdate';
  const answer = await session.request<Record<string, PolicyPayload>>(mutation(verb), { input });
  const payload = answer[verb];
  checkUserErrors(payload?.userErrors ?? []);
  if (payload?.signaturePolicy == null) throw new Error('the server answered neither a policy nor a mistake');
  return payload.signaturePolicy.id;
}
