import { createHash } from 'node:crypto';
import { parseDigest } from '../../src/oci/digest.ts';
import type { Digest } from '../../src/oci/digest.ts';
import type { SignatureRules, Verdict } from '../../src/oci/signatures/signature-rules.ts';
import { compileRules } from '../../src/trust/compile-rules.ts';
import type { SubjectOfSignature } from '../../src/trust/subject.ts';
import { verifySignature } from '../../src/trust/verify-signature.ts';
import type { SignatureMaterial } from '../../src/trust/verify-signature.ts';

export function rulesOf(rules: Partial<SignatureRules>): SignatureRules {
  return { keys: [], openPgpKeys: [], identities: [], trustedRoot: null, dockerReference: null, ...rules };
}

/** A manifest by its digest, or by its bytes. */
export function subjectOf(manifest: Digest | Buffer, repository?: string): SubjectOfSignature {
  const document = typeof manifest === 'string' ? Buffer.alloc(0) : manifest;
  const digest =
    typeof manifest === 'string'
      ? manifest
      : parseDigest(`sha256:${createHash('sha256').update(manifest).digest('hex')}`);
  return { digest, document, repository };
}

export async function check(
  rules: SignatureRules,
  material: SignatureMaterial,
  subject: SubjectOfSignature,
): Promise<Verdict> {
  const compiled = await compileRules(rules);
  if ('mistakes' in compiled) throw new Error(JSON.stringify(compiled.mistakes));
  return verifySignature(compiled.trust, material, subject);
}
