import '@fontsource-variable/geist/index.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { Api } from './lib/api/api.ts';
import { connect } from './lib/realtime/connect.ts';
import { Studio } from './lib/state/studio.svelte.ts';
import './styles/tokens.css';
import './styles/base.css';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no #app.');
const studio = new Studio(new Api(), connect());
void studio.load();
mount(App, { target, props: { studio } });
