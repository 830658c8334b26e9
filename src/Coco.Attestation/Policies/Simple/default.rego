# The policy of the Simple tokens: every claim for which reference values are registered must be one of them.
package policy

import rego.v1

default allow := false

allow if {
	every name, value in input {
		acceptable(name, value)
	}
}

acceptable(name, _) if not data.reference[name]

acceptable(name, value) if value in data.reference[name]
