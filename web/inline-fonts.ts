import type { Plugin } from 'vite';

/** Removes fonts that GraphiQL's style sheet has as data: addresses, which the Content-Security-Policy refuses. */
export function withoutInlineFonts(): Plugin {
  return {
    name: 'without-inline-fonts',
    enforce: 'pre',
    transform: (code, id) =>
      id.endsWith('graphiql/dist/style.css')
        ? { code: code.replaceAll(/@font-face\s*\{[^}]*\}/g, ''), map: null }
        : undefined,
  };
}
