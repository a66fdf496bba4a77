package files_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/connectors/files"
)

// manyFiles fills a tree: 100 files a folder, every second one a text.
func manyFiles(tb testing.TB, root string, n int) {
	tb.Helper()
	for i := range n {
		name := fmt.Sprintf("%03d/%03d/file-%06d%s", i/10_000, i/100%100, i, []string{".csv", ".bin"}[i%2])
		if i%100 == 0 {
			must(tb, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o750))
		}
		must(tb, os.WriteFile(filepath.Join(root, name), []byte("id,name\n1,one\n"), 0o600))
	}
}

// BenchmarkRefresh refreshes a tree for the first time and, nothing changed,
// once more. CAMENA_BENCH_FILES says of how many files.
func BenchmarkRefresh(b *testing.B) {
	count := 10_000
	if n, err := strconv.Atoi(os.Getenv("CAMENA_BENCH_FILES")); err == nil {
		count = n
	}
	s := open(b, files.System{}, nil)
	manyFiles(b, s.root, count)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			s.stop()
			s.repo = connectortest.NewRepository()
			s.start(files.System{}, nil)
			b.StartTimer()
			s.refresh()
		}
		perFile(b, count)
	})
	b.Run("unchanged", func(b *testing.B) {
		s.refresh()
		sent := len(s.repo.Sent())
		for b.Loop() {
			s.refresh()
		}
		if n := len(s.repo.Sent()) - sent; n != 0 {
			b.Errorf("%d commands are sent", n)
		}
		perFile(b, count)
		reportMemory(b, s, count)
	})
}

func perFile(b *testing.B, count int) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed())/float64(time.Microsecond)/float64(b.N*count), "µs/file")
}

// reportMemory tells what a connector holds between refreshes.
func reportMemory(b *testing.B, s *site, count int) {
	b.Helper()
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	with := heap()
	s.stop()
	b.ReportMetric((with-heap())/float64(count), "heapB/file")
}
