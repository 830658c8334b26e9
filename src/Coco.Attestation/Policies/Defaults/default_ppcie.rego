# The policy for a whole HGX system: the verifier has matched its GPUs and switches to each other.
package policy

import rego.v1

trust_claims := {
	"instance-identity": 0,
	"configuration": 2,
	"executables": 0,
	"file-system": 0,
	"hardware": 0,
	"runtime-opaque": 0,
	"storage-opaque": 0,
	"sourced-data": 0,
}
