import { Badge, Button, Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf, ResultOf } from '../graphql/graphql.ts';
import { useMay } from '../session/viewer.ts';
import { exactTime } from '../shared/time.ts';
import { When } from '../shared/when.tsx';
import { describeChange, namesShown } from './describe-change.ts';
import { ChangeCounts } from './change-counts.tsx';
import classes from './versions.module.css';

export const VersionRowFragment = graphql(`
  fragment VersionRow on RepositoryVersion {
    number
    createdAt
    baseVersion {
      id
      number
    }
    contentSummary {
      present {
        tags
      }
      added {
        tags
      }
      removed {
        tags
      }
    }
    added: tags(first: 20, change: ADDED) {
      nodes {
        id
        name
      }
    }
    removed: tags(first: 20, change: REMOVED) {
      nodes {
        id
        name
      }
    }
    task {
      id
      name
    }
  }
`);

interface Props {
  readonly name: string;
  readonly version: FragmentOf<typeof VersionRowFragment>;
  readonly isLatest: boolean;
}

/** A version: what it changed, when, and by which task. */
export function VersionRow({ name, version, isLatest }: Props) {
  const data = readFragment(VersionRowFragment, version);
  const { number, contentSummary } = data;
  const change = describeChange(data);
  const params = { _splat: name };
  return (
    <li className={classes.version}>
      <Group gap="sm" wrap="wrap" className={classes.versionHead}>
        <Link
          to="/repositories/$"
          params={params}
          search={{ tab: 'tags', version: number }}
          className={classes.number}
        >
          v{number}
        </Link>
        {isLatest ? (
          <Badge size="sm" variant="light">
            latest
          </Badge>
        ) : null}
        <ChangeCounts change={change} />
        <span className={classes.spring} />
        <Origin version={data} />
      </Group>
      <Group gap="sm" justify="space-between" mt={4} wrap="wrap" align="flex-end">
        <Text size="sm" className={classes.changeNames} component="div">
          {namesShown(change).map(({ mark, label, names }) => (
            <div key={mark}>
              <span className={classes.kind} data-kind={mark}>
                {label}
              </span>{' '}
              {names}
            </div>
          ))}
          <Text size="xs" c="dimmed">
            {contentSummary.present.tags.toLocaleString()} tags
          </Text>
        </Text>
        <Actions name={name} number={number} isLatest={isLatest} />
      </Group>
    </li>
  );
}

/** When it was made, and by what. */
function Origin({ version }: { readonly version: ResultOf<typeof VersionRowFragment> }) {
  const { createdAt, task, baseVersion } = version;
  return (
    <Text size="sm" c="dimmed" component="span" title={exactTime(createdAt)}>
      <When at={createdAt} />
      {task === null ? (
        baseVersion === null ? (
          ', by a push'
        ) : (
          `, from v${baseVersion.number}`
        )
      ) : (
        <>
          {', '}
          <Link to="/tasks/$id" params={{ id: task.id }}>
            {task.name.replace('repository.', '')}
          </Link>
        </>
      )}
    </Text>
  );
}

interface ActionProps {
  readonly name: string;
  readonly number: number;
  readonly isLatest: boolean;
}

function Actions({ name, number, isLatest }: ActionProps) {
  const may = useMay();
  const params = { _splat: name };
  return (
    <Group gap={4} className={classes.versionActions}>
      <Button
        size="compact-sm"
        variant="subtle"
        renderRoot={(props) => (
          <Link
            to="/repositories/$"
            params={params}
            search={{ tab: 'diff', from: Math.max(number - 1, 1), to: number }}
            {...props}
          />
        )}
      >
        Diff
      </Button>
      {!isLatest && may('MAINTAINER', name) ? (
        <Button
          size="compact-sm"
          variant="subtle"
          renderRoot={(props) => (
            <Link
              to="/repositories/$"
              params={params}
              search={{ tab: 'versions', restore: number }}
              {...props}
            />
          )}
        >
          Restore…
        </Button>
      ) : null}
    </Group>
  );
}
