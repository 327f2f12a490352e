/** A field of a header. */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

const withValues = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
] as const;

/** The fields from 17 on, none of which has a value. */
const namesOnly =
  'accept-language accept-ranges accept access-control-allow-origin age allow authorization ' +
  'cache-control content-disposition content-encoding content-language content-length content-location ' +
  'content-range content-type cookie date etag expect expires from host if-match if-modified-since ' +
  'if-none-match if-range if-unmodified-since last-modified link location max-forwards ' +
  'proxy-authenticate proxy-authorization range referer refresh retry-after server set-cookie ' +
  'strict-transport-security transfer-encoding user-agent vary via www-authenticate';

/** The fields that HPACK numbers beforehand (RFC 7541, appendix A); the first has index 1. */
export const hpackStaticTable: readonly HeaderField[] = [
  ...withValues.map(([name, value]) => ({ name, value })),
  ...namesOnly.split(' ').map((name) => ({ name, value: '' })),
];
