import globalGumbel from '../../../plugins/selectors/global-gumbel-vae.ts';
import { testVae } from './_vae-family.ts';

testVae(globalGumbel, { highestRate: 1e-5, method: 'markermap:globalgate' });
