package policy

import rego.v1

default allow := false

allow if {
    data.plugin == "resource"
    count(data["resource-path"]) == 3
    count(input.submods) > 0
}
