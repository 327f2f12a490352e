import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './temporary-folder.js';

/** A self-signed certificate for 127.0.0.1 and localhost: paths of PEM files. It is its own CA. */
export interface TlsCertificate {
  readonly certificatePath: string;
  readonly keyPath: string;
}

/** Makes a certificate with openssl, valid for a day; it is removed after the test. */
export async function makeTlsCertificate(): Promise<TlsCertificate> {
  const folder = temporaryFolder();
  const certificatePath = join(folder, 'certificate.pem');
  const keyPath = join(folder, 'key.pem');
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
    ...['-keyout', keyPath, '-out', certificatePath],
  ]);
  return { certificatePath, keyPath };
}
