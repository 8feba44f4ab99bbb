import 'swagger-ui-dist/swagger-ui.css'

import { SwaggerUIBundle } from 'swagger-ui-dist'

// The validator badge would ask a server on the internet.
SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', validatorUrl: null, deepLinking: true, defaultModelsExpandDepth: 0 })
