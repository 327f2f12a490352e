// npm run setup: installs, builds, and links the binaries into bin/.
import { setUpWorkspace } from './workspace.mjs';

setUpWorkspace();
process.stderr.write('The binaries are in bin/; put them on your PATH: export PATH="$PWD/bin:$PATH"\n');
