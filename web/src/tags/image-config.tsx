import { useQuery } from 'urql';
import shared from '../shared/shared.module.css';
import { BlobTextQuery } from './blob-query.ts';
import { readConfig } from './manifest-text.ts';
import { Section } from './section.tsx';

/** What an image runs, and with which settings. */
export function ImageConfig({ id }: { readonly id: string }) {
  const [{ data }] = useQuery({ query: BlobTextQuery, variables: { id } });
  const node = data?.node;
  const facts = readConfig(node?.__typename === 'Blob' ? (node.text ?? '') : '');
  return (
    <Section title="Config" count={facts.length}>
      <dl className={shared.facts}>
        {facts.map(({ name, value }) => (
          <div key={name} className={shared.fact}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}
