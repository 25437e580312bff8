import type { ReactNode } from 'react';
import classes from './facts.module.css';
import { Panel } from './panel.tsx';
import shared from './shared.module.css';

interface Props {
  readonly title: string;
  /** Term and value; a null or undefined value is left out. */
  readonly facts: readonly (readonly [term: string, value: ReactNode])[];
  /** Below the facts. */
  readonly children?: ReactNode;
}

/** The settings of an object, in two columns where there is room. */
export function Facts({ title, facts, children }: Props) {
  return (
    <Panel title={title}>
      <dl className={`${shared.facts} ${classes.facts}`}>
        {facts.map(([term, value]) =>
          value == null ? null : (
            <div key={term} className={shared.fact}>
              <dt>{term}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
      {children}
    </Panel>
  );
}

const shown = 12;

export function Chips({ texts, none = '' }: { readonly texts: readonly string[]; readonly none?: string }) {
  if (texts.length === 0) return none;
  return (
    <span className={shared.chips} style={{ flexWrap: 'wrap' }}>
      {texts.slice(0, shown).map((text) => (
        <span key={text} className={shared.chip}>
          {text}
        </span>
      ))}
      {texts.length > shown ? <span>and {(texts.length - shown).toLocaleString()} more</span> : null}
    </span>
  );
}
