import { setNonce } from 'get-nonce';

/** The nonce that the server wrote into the page: style elements without it are refused. */
export function readNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';
}

// For the library that stops the page from scrolling below a dialog.
setNonce(readNonce());
