export { type CropPlace, type CropRequest, readCrops } from './read-crops.js';
export { type ImageSize, resizedSize } from './resized-size.js';
