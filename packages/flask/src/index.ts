export { type ChoiceOptions, chooseModel, type TensorTask } from './choose-model.js';
export { askHealth, type FlaskHealth, type FlaskModel, type FlaskTensor, readHealth } from './health.js';
export { identifyService, type ServiceIdentity } from './identify-service.js';
export { type BodyKind, bodyKindOf, flaskPath, predictPath } from './predict-path.js';
export { type PredictTemplate, predictTemplate } from './predict-template.js';
