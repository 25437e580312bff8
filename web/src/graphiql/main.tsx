import '@fontsource-variable/inter/wght.css';
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import '../frame/base.css';
import './graphiql.css';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { readSession } from '../session/session.ts';
import { examples } from './examples.ts';
import { fetcher } from './fetcher.ts';

const root = document.querySelector('#root');
if (root === null) throw new Error('graphiql.html has no element with the id "root".');
const session = await readSession();
if (session.login !== 'none' && session.caller === null) window.location.assign('/');
createRoot(root).render(<GraphiQL fetcher={fetcher} defaultTabs={examples} shouldPersistHeaders={false} />);
