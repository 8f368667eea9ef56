import { render } from 'preact';
import { App } from './app.js';
import { installTrustedTypes } from './lib/trusted-types.js';
import './style.css';

installTrustedTypes();
const root = document.getElementById('app');
if (root) render(<App />, root);
