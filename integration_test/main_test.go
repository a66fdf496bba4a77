package integration_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(tidy{m}) }

// tidy removes the shared resources of tests when all have run, before goleak looks for
// leaks.
type tidy struct{ tests *testing.M }

func (m tidy) Run() int {
	defer removeImages()
	return m.tests.Run()
}
