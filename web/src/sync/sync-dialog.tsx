import { Modal } from '@mantine/core';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import { Empty } from '../shared/empty.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { SyncRules, SyncRulesFragment } from './sync-rules.tsx';
import { WatchSync } from './watch-sync.tsx';

const DialogQuery = graphql(
  `
    query SyncDialog($name: String!) {
      repository(name: $name) {
        id
        ...SyncRules
        remote {
          id
        }
      }
    }
  `,
  [SyncRulesFragment],
);

interface Props {
  readonly name: string;
  /** "rules", or the id of the task to watch. */
  readonly step: string;
  readonly onClose: () => void;
}

/** Choose the tags, then watch the sync. The address says which, so a reload shows the same. */
export function SyncDialog({ name, step, onClose }: Props) {
  const [{ data, error }] = useQuery({ query: DialogQuery, variables: { name } });
  const repository = data?.repository;
  return (
    <Modal opened onClose={onClose} size={960} title={`Sync ${name}`}>
      <Problem error={error} />
      {step !== 'rules' ? <WatchSync id={step} onClose={onClose} /> : null}
      {step === 'rules' && repository === undefined && error === undefined ? <RowsSkeleton /> : null}
      {step === 'rules' && repository != null ? (
        repository.remote === null ? (
          <Empty title="This repository has no remote">
            Choose one in its settings: a remote says where to sync from.
          </Empty>
        ) : (
          <SyncRules key={repository.id} repository={repository} onClose={onClose} />
        )
      ) : null}
    </Modal>
  );
}
