import { parentPort } from 'node:worker_threads';
import type { SignatureRules } from '../oci/signatures/signature-rules.ts';
import { checkLayers, planLayers } from './check-layers.ts';
import { compileRules } from './compile-rules.ts';
import type { Trust } from './compile-rules.ts';
import type { SubjectOfSignature } from './subject.ts';
import { verifySignature } from './verify-signature.ts';
import type { SubjectToSend, VerifyAnswer, VerifyQuestion } from './verify-thread.ts';

/** The other side of verify-thread.ts. Sigstore's and OpenPGP's libraries are loaded here only, and go with the thread. */
const compiled = new Map<string, Trust>();
const compiledKept = 16;

async function trustOf(fingerprint: string, rules: SignatureRules): Promise<Trust> {
  const known = compiled.get(fingerprint);
  if (known !== undefined) return known;
  const result = await compileRules(rules);
  if ('mistakes' in result) throw new Error('a signature policy cannot be read any more');
  compiled.set(fingerprint, result.trust);
  for (const oldest of compiled.keys()) if (compiled.size > compiledKept) compiled.delete(oldest);
  return result.trust;
}

function toSubject({ digest, repository, document }: SubjectToSend): SubjectOfSignature {
  return { digest, repository, readDocument: () => Promise.resolve(document ?? Buffer.alloc(0)) };
}

async function answer(question: VerifyQuestion): Promise<VerifyAnswer> {
  switch (question.kind) {
    case 'rules': {
      const result = await compileRules(question.rules);
      return { kind: 'rules', mistakes: 'mistakes' in result ? result.mistakes : [] };
    }
    case 'plan':
      return { kind: 'plan', plan: planLayers(question.document) };
    case 'atomic': {
      const trust = await trustOf(question.fingerprint, question.rules);
      const material = { kind: 'atomic', document: question.document } as const;
      return {
        kind: 'verdict',
        verdict: await verifySignature(trust, material, toSubject(question.subject)),
      };
    }
    case 'layers': {
      const trust = await trustOf(question.fingerprint, question.rules);
      return { kind: 'verdict', verdict: await checkLayers(trust, question, toSubject(question.subject)) };
    }
  }
}

parentPort?.on('message', (question: VerifyQuestion) => {
  answer(question).then(
    (found) => parentPort?.postMessage(found, []),
    (error: unknown) =>
      parentPort?.postMessage({ kind: 'failed', message: error instanceof Error ? error.message : '' }, []),
  );
});
parentPort?.postMessage({ kind: 'ready' }, []);
