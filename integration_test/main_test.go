package integration_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(tidy{m}) }

// tidy removes what tests share when all have run, before goleak looks for what
// is left.
type tidy struct{ tests *testing.M }

func (m tidy) Run() int {
	defer removeImages()
	return m.tests.Run()
}
