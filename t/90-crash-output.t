#!/usr/bin/perl
# What steps print arrives byte for byte, and every step ends once, however often and
# wherever runnerd's half of the work is killed: taskd is killed 200 times at random
# moments (KILL_POINTS says another number) while writers of several kinds print.
#
# SPDX-License-Identifier: Apache-2.0
use strict;
use warnings;
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use Time::HiRes qw(sleep time);

my $top = $ENV{top_builddir} // '.';
my $points = $ENV{KILL_POINTS} // 200;
my $dir = tempdir('runner-t.XXXXXX', DIR => $ENV{TMPDIR} // '/tmp', CLEANUP => 0);
my $mother = $$;
my ($count, $failed, $child) = (0, 0, 0);

END {
	if (defined $mother && $$ == $mother) {
		kill 'KILL', $child if $child;
		remove_tree($dir) if !$failed;
	}
}

sub ok
{
	my ($good, $name) = @_;
	$count++;
	$failed++ if !$good;
	print $good ? '' : 'not ', "ok $count - $name\n";
	return $good;
}

sub write_file
{
	my ($path, $text) = @_;
	open my $file, '>', $path or die "$path: $!";
	print $file $text;
	close $file or die "$path: $!";
}

sub read_file
{
	my ($path) = @_;
	open my $file, '<:raw', $path or return '';
	local $/;
	return <$file> // '';
}

my $number = 0;
my %tasks;

sub task
{
	my ($name, @commands) = @_;
	my $id = sprintf '00000000-0000-4000-8000-%012d', ++$number;
	my $steps = join ',', map { qq({"kind":"run","name":"$name","command":"$_","shell":["/bin/sh"]}) } @commands;
	write_file("$dir/$name.json", qq({"version":1,"id":"$id","epoch":1,"token":"t","lease_ms":60000,) .
		qq("job":{"id":"00000000-0000-4000-8000-0000000000aa","name":"$name","number":1},) .
		qq("resource_class":"a/b","steps":[$steps]}));
	$tasks{$name} = {id => $id, steps => scalar @commands};
}

my %writers = (
	lines80 => ['lines', 80, 300_000, 1_500_000],
	pages4k => ['lines', 4096, 2_000_000, 10_000_000],
	pieces64k => ['binary', 65536, 0, 40_000_000],
	binary => ['binary', 1000, 500_000, 3_000_000],
);
for my $name (sort keys %writers) {
	my ($pattern, $piece, $rate, $size) = @{$writers{$name}};
	task($name, "exec $top/t/actor pattern=$pattern piece=$piece rate=$rate print=$size");
}
my $short = 60;
task('short', ("exec $top/t/actor print=5000 sleep=0.05 print=70000") x $short);

mkdir "$dir/sink" or die;
my @command = ("$top/taskd", '--run-dir', "$dir/run", '--work-dir', "$dir/work", '--sink', "$dir/sink",
	map { "$dir/$_.json" } sort keys %tasks);

# One life of taskd: killed after that many seconds, or undef for the time it needs. Its wait status.
sub live
{
	my ($seconds) = @_;
	my $end = time + ($seconds // 120);
	$child = fork // die "fork: $!";
	if ($child == 0) {
		open STDOUT, '>>', "$dir/taskd.log";
		open STDERR, '>&', \*STDOUT;
		exec @command;
		exit 99;
	}
	sleep $seconds if defined $seconds;
	kill 'KILL', $child if defined $seconds;
	if (!defined $seconds) {
		$SIG{ALRM} = sub { kill 'KILL', $child };
		alarm 120;
	}
	waitpid $child, 0;
	my $status = $?;
	alarm 0;
	$child = 0;
	return $status;
}

srand(my $seed = $ENV{SEED} // time);
print "# seed $seed\n";
my ($killed, $lives) = (0, 0);
while ($killed < $points && $lives < $points + 5) {
	my $status = live(0.002 + rand(0.05));
	$lives++;
	$killed++ if $status == 9;
	last if $status != 9;
}
print "# killed $killed times\n";
my $status = live(undef);
ok($status == 0, 'the last life ends by itself, every task a success');
ok($killed >= $points * 3 / 4, "it was killed $killed times before that");

for my $name (sort keys %writers) {
	my ($pattern, $piece, $rate, $size) = @{$writers{$name}};
	my $file = "$dir/sink/$tasks{$name}{id}.0.1";
	system("$top/t/actor pattern=$pattern verify=$size < $file 2> $dir/verify.$name");
	ok($? == 0, "output of $name is what was printed: $size bytes") or
		print "# ", read_file("$dir/verify.$name"), "# ", -s $file, " bytes\n";
}
my $wrong = 0;
for my $step (0 .. $short - 1) {
	my $file = "$dir/sink/$tasks{short}{id}.$step.1";
	my $wanted = `$top/t/actor print=5000 print=70000`;
	$wrong++ if read_file($file) ne $wanted;
}
ok($wrong == 0, "output of each of $short short steps is what was printed");

my $disorder = '';
for my $name (sort keys %tasks) {
	my $events = read_file("$dir/sink/$tasks{$name}{id}.events");
	my @types = $events =~ /"type":"(\w+)"/g;
	my @wanted = ('preparing', 'running', ('step_started', 'step_ended') x $tasks{$name}{steps}, 'finishing', 'ended');
	$disorder .= "# $name: @types\n" if "@types" ne "@wanted" || $events !~ /"ended","outcome":"success"/ ||
		($events =~ /"outcome":"(?!success)/);
}
ok($disorder eq '', 'every task tells each change once, in order') or print $disorder;
my @left = glob "$dir/run/tasks/*";
ok(!@left, 'no state directory is left');
@left = glob "$dir/work/*";
ok(!@left, 'no work directory is left');
if ($failed) {
	system("tail -n 60 $dir/taskd.log | sed 's/^/# /'");
	print "# kept $dir\n";
}
print "1..$count\n";
exit($failed ? 1 : 0);
