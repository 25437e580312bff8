import type { CredentialPart, Text } from './estate-file.ts';
import type { Source } from './source.ts';

/**
 * A secret by reference. One that the file has in clear is never copied: a variable takes its place, and what to do is reported.
 * @param purpose `PASSWORD` gives `QUAY_IO_PASSWORD`
 */
export function secretText(source: Source, host: string, purpose: string): Text {
  const env = `${host.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}_${purpose}`.replace(
    /^(?=[0-9])/,
    'REGISTRY_',
  );
  source.findings.toDo(
    source,
    `Secrets are not copied. Set the variable ${env} to this value before you apply the file.`,
  );
  return { env };
}

/** A login by user name and password. One without the other is reported, for a credential needs both. */
export function staticCredential(
  about: Source,
  host: string,
  { username, password }: { readonly username: Text | undefined; readonly password: Text | undefined },
): CredentialPart | undefined {
  if (username === undefined && password === undefined) return undefined;
  if (username !== undefined && password !== undefined)
    return { name: host, kind: 'STATIC', username, password };
  about.findings.leftOut(
    about,
    'A login needs both a user name and a password, of which only one can be read here.',
  );
  return undefined;
}
