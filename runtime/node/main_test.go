package node_test

import (
	"testing"

	"github.com/camena-io/camena/runtime/runtimetest"
)

func TestMain(m *testing.M) { runtimetest.VerifyTestMain(m) }
