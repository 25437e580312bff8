import { answerQuestions } from '../threads/answer-questions.ts';
import { readAtomicSignature } from './read-atomic.ts';

/** The other side of read-atomic-thread.ts. Only this thread loads the library of OpenPGP. */
answerQuestions((bytes: Uint8Array) => readAtomicSignature(bytes));
