export { type Channel, FetchingSession, type ReadAnswer, type SendRequest } from './fetching-session.js';
export {
  checkStoreFlags,
  describeStore,
  openFetchingSession,
  type StoreDetails,
  type StoreFlags,
  storeFlags,
  tlsChoice,
} from './reference-store.js';
